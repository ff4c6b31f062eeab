"""A tag that is written anew without overrides holds the same values in all runs."""

from hypothesis import given
from hypothesis import strategies as st

from emiss.calib.conditions import Conditions
from emiss.calib.flatten import flattened
from emiss.calib.lookup import constants
from emiss.calib.run_ranges import RunRange
from emiss.configs.errors import UserError

UNITS = {"t0": "ns", "r0": "-", "a0": "ns"}
COLUMNS = st.sampled_from([("t0", "r0", "a0"), ("t0", "r0", "a0"), ("t0",), ("r0", "a0", "a0_error")])
RUNS = st.builds(
    lambda first, more: f"{first}-{'' if more > 9 else first + more}", st.integers(1, 12), st.integers(0, 12)
)
ROWS = st.sets(st.sampled_from("ABC*"), min_size=1)


def _text(blocks):
    made = []
    for number, (runs, columns, names, override) in enumerate(blocks):
        units = ", ".join(UNITS[name.removesuffix("_error")] for name in columns)
        rows = [
            f"{name} " + " ".join(f"{1 + 0.01 * (10 * number + k)}" for k in range(len(columns)))
            for name in sorted(names)
        ]
        head = [f"type = apv.time\nruns = {runs}\ncolumns = channel, {', '.join(columns)}\nunits = -, {units}"]
        made.append("\n".join([*head, *(["override = yes"] if override else []), *rows]))
    return "\n\n".join(made)


def _held(tag, run):
    found = constants(tag.tables, "apv.time", "ABCD", RunRange(run, run))
    return {(one.channel, one.column): (one.value, one.error) for one in found}


@given(st.lists(st.tuples(RUNS, COLUMNS, ROWS, st.booleans()), min_size=1, max_size=4))
def test_each_value_of_each_run_is_the_same(tmp_path_factory, blocks):
    folder = tmp_path_factory.mktemp("tag")
    (folder / "a.txt").write_text(_text(blocks))
    try:
        tag = Conditions.load(folder / "a.txt")
    except UserError:
        return  # blocks that overlap
    (folder / "new").mkdir()
    for name, text in flattened(tag):
        (folder / "new" / name).write_text(text)
    made = Conditions.load(folder / "new")
    assert [_held(made, run) for run in range(1, 26)] == [_held(tag, run) for run in range(1, 26)]
