"""Blinding, attacked: the outputs are the same, byte for byte, however many events are inside the box."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pyarrow.parquet as pq
import pytest
import uproot

from emiss import reco, selection
from emiss.configs.loader import find
from emiss.events.files.open import read
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.index.events import build
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.selection.results.result import columns_of

BOX = "e_miss > 20 GeV and count(tracks) == 1"
SHIPPED = find("analyses", "e_to_mu_phi").read_text(encoding="utf-8").partition("histograms:")[0]
ANALYSIS = f"""{SHIPPED}
histograms:
  - {{name: e_miss, of: e_miss, bins: 5, from: 0 GeV, to: 100 GeV, after: n-1}}
weights: {{nominal: 1, variations: {{up: 1.1}}}}
regions: {{signal: {{}}, control: {{drop: [missing_energy]}}}}
blind: {{samples: data, box: '{BOX}'}}
"""
RUNS = """
detector: na64e_lfc
analysis: cuts.yaml
calib: demo
max_bad_fraction: 1.0
samples:
  signal: {role: signal, files: [mc.root], on_target: 1e12}
  run: {role: data, files: [run.dat], on_target: 1e9}
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """The bytes of a raw file, entry by entry, and which of them are in the box."""
    file = simulate(load_sample("pion_decay"), tmp_path_factory.mktemp("inside") / "pion_decay.dat", events=300)
    table = reco.process(reco.open(file))
    analysis = selection.loads(f"extends: e_to_mu_phi\ncuts: [{{name: box, require: '{BOX}', before: single_track}}]\n")
    bound = selection.bind(analysis, columns_of(table))
    chosen = set(table.flat["event.entry"][bound.passing(table, None, "box")].tolist())
    data = all_bytes(file)
    index = build(data)
    parts = [bytes(data[o : o + s]) for o, s in zip(index.offset.tolist(), index.size.tolist(), strict=True)]
    assert len(chosen) > 60  # so many gaps in the numbers are not taken for losses
    assert len(chosen) < len(parts) - 20
    return parts, chosen


def run_file(path: Path, inside, count: int) -> None:
    """Write all entries outside the box, and `count` of those inside, in their order."""
    parts, chosen = inside
    left = iter(range(len(chosen)))
    path.write_bytes(b"".join(part for i, part in enumerate(parts) if i not in chosen or next(left) < count))


def everything(cli, folder: Path, *options: str, only: tuple[str, ...] = ()) -> dict[str, object]:
    """Run all commands on a run list (or some), and return all that they say and write, without what time and place change."""
    said = {}
    tables = folder / "o" / "tables"
    ends = ("--from", "0GeV", "--to", "60GeV", "--points", "4")
    for name, arguments in {
        "check": ("check", folder / "runs.yaml"),
        "process": ("process", folder / "runs.yaml", "--out", folder / "o", "--keep", folder / "k1", *options),
        "again": ("process", folder / "runs.yaml", "--out", folder / "o", *options),
        "part 1": ("process", folder / "runs.yaml", "--part", "1/2", "--out", folder / "p", *options),
        "part 2": ("process", folder / "runs.yaml", "--part", "2/2", "--out", folder / "p", *options),
        "merge": ("merge", folder / "p", "--keep", folder / "k3"),
        "select": ("select", tables, "--analysis", folder / "cuts.yaml", "--detail", "--out", folder / "s", *options),
        "keep": ("select", tables, "--analysis", folder / "cuts.yaml", "--keep", folder / "k2", *options),
        "skim": ("select", folder / "k2", "--analysis", folder / "cuts.yaml", "--out", folder / "s2", *options),
        "look": ("look", tables, "--analysis", folder / "cuts.yaml", "--json", *options),
        "scan": (
            *("scan", tables, "--analysis", folder / "cuts.yaml", "-p", "hcal_mip[0]", *ends, "--out", folder / "c"),
            *options,
        ),
    }.items():
        if only and name not in only:
            continue
        done = cli(*arguments)
        assert done.code == 0, done.err
        said[name] = normal(done.out + done.err, folder)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent != folder and "tables" not in path.relative_to(folder).parts:
            name = str(path.relative_to(folder))
            said[name] = contents(path) if path.suffix in (".root", ".parquet") else normal(path.read_text(), folder)
    return said


def normal(text: str, folder: Path) -> str:
    text = re.sub(r"\s+", " ", text.replace(str(folder), "FOLDER"))  # lines are broken by the length of the path
    text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:,.+]+", "TIME", text)
    text = re.sub(r"\b\d+\.\d\d s\b", "SECONDS", text)
    text = re.sub(r'"row": \d+', "ROW", text)  # as event.entry below
    # the size of a compressed table of the simulated sample changes with the length of what it says of its origin
    return re.sub(r"\b(\d+:)?sha256:[0-9a-f]{64}\b", "IDENTITY", text)


def contents(path: Path) -> object:
    if path.suffix == ".parquet":
        table = read(path)
        lists = {n: {k: v.tolist() for k, v in x.columns.items()} for n, x in table.lists.items()}
        # event.entry is the place in the file, which events inside the box move
        flat = {name: values.tolist() for name, values in table.flat.items() if name != "event.entry"}
        return repr((flat, lists)), normal(pq.read_metadata(path).metadata[b"emiss"].decode(), path.parent.parent)
    with uproot.open(path) as file:
        kinds = {name.partition(";")[0]: kind for name, kind in file.classnames(recursive=True).items()}
        return {
            name: (file[name].values(flow=True).tolist(), file[name].variances(flow=True).tolist())
            for name, kind in kinds.items()
            if kind in ("TH1D", "TH2D")
        }


@pytest.fixture
def prepared(tmp_path, run_files, inside):
    def prepare(count: int) -> Path:
        folder = tmp_path / f"with{count:03d}"
        folder.mkdir()
        shutil.copy(run_files["signal.root"], folder / "mc.root")
        (folder / "cuts.yaml").write_text(ANALYSIS)
        (folder / "runs.yaml").write_text(RUNS)
        run_file(folder / "run.dat", inside, count)
        return folder

    return prepare


def test_no_output_depends_on_what_is_inside_the_box(cli, prepared, described):
    folder = prepared(0)
    first = everything(cli, folder)
    for name in ("o", "s"):
        saved = json.loads((folder / name / "cutflow.json").read_text())
        identities = {item["sample"]: item["identity"] for item in saved["provenance"]["inputs"]}
        assert re.fullmatch("sha256:[0-9a-f]{64}", identities["run"])  # without the size
        assert re.fullmatch("[0-9]+:sha256:[0-9a-f]{64}", identities["signal"])
    assert {
        "o/cutflow.json",
        "o/log.txt",
        "o/histograms.root",
        "p/cutflow.json",
        "c/scan_hcal_mip_0.json",
        "k1/run.parquet",
        "k2/run.parquet",
        "k3/run.parquet",
    } <= first.keys()
    other = everything(cli, prepared(13))
    assert other.keys() == first.keys()
    for name, text in first.items():
        assert other[name] == text, f"{name} tells that events are inside"


def test_the_comparison_sees_a_box_that_is_open(cli, prepared, described):
    commands = ("process", "select", "keep")
    first, other = (everything(cli, prepared(count), "--unblind", only=commands) for count in (0, 13))
    differ = {name for name, text in first.items() if other[name] != text}
    figures = [re.findall("<desc>.*?</desc>", text["o/cutflow.html"], re.DOTALL) for text in (first, other)]
    assert "StepPatch: [[" in figures[0][0]
    assert figures[0] != figures[1]
    wanted = {
        "o/cutflow.json",
        "o/cutflow.csv",
        "o/cutflow.html",
        "o/histograms.json",
        "s/cutflow.json",
        "k2/run.parquet",
    }
    assert wanted <= differ
    assert '"unblinded": true' in first["o/cutflow.json"]


def test_a_box_that_the_command_line_moves_is_refused(cli, prepared):
    folder = prepared(3)
    text = ANALYSIS.replace("e_miss > 20 GeV", "e_miss > 1 * e_miss_min")
    (folder / "cuts.yaml").write_text(text)
    done = cli("process", folder / "runs.yaml", "--out", folder / "o", "--set", "e_miss_min=90GeV")
    assert done.code == 2
    assert "--set e_miss_min: the blind box depends on it" in done.err
    assert not (folder / "o").exists()
    assert cli("process", folder / "runs.yaml", "--out", folder / "o").code == 0
    again = ("select", folder / "o", "--analysis", folder / "cuts.yaml", "--set", "e_miss_min=90GeV")
    assert cli(*again).code == 2
    assert cli(*again, "--unblind").code == 0
    assert cli("select", folder / "o/tables/signal", *again[2:]).code == 0  # nothing is hidden there


def test_a_blind_name_that_hides_nothing_is_refused(cli, prepared):
    folder = prepared(0)
    (folder / "cuts.yaml").write_text(ANALYSIS.replace("samples: data", "samples: rum"))
    for arguments in (("check", folder / "runs.yaml"), ("process", folder / "runs.yaml", "--out", folder / "o")):
        done = cli(*arguments)
        assert done.code == 2
        assert "blind: 'rum' is neither a sample nor a role" in done.err
        assert "did you mean 'run'" in done.err


def test_parts_of_one_blinded_file_are_not_added_from_files(cli, prepared):
    from emiss.configs.errors import UserError
    from emiss.selection.results.cutflow import Cutflow

    folder = prepared(2)
    assert cli("process", folder / "runs.yaml", "--out", folder / "o").code == 0
    saved = Cutflow.load(folder / "o" / "cutflow.json")
    with pytest.raises(UserError, match="counted twice"):
        _ = saved + saved


def test_a_part_of_a_blinded_sample_stands_for_an_unknown_number(cli, prepared):
    """Its share of the particles on target would be one of its share of the events."""
    folder = prepared(4)
    assert cli("process", folder / "runs.yaml", "--out", folder / "o", "--events", "100").code == 0
    samples = json.loads((folder / "o" / "cutflow.json").read_text())["samples"]
    assert samples["run"]["on_target"] is None
    assert samples["signal"]["on_target"] == pytest.approx(1e12 / 3)
    assert cli("process", folder / "runs.yaml", "--out", folder / "o", "--events", "100", "--unblind").code == 0
    assert json.loads((folder / "o" / "cutflow.json").read_text())["samples"]["run"]["on_target"] > 0


def test_a_typo_is_refused_wherever_it_would_open_the_box(cli, tables, tmp_path):
    (tmp_path / "cuts.yaml").write_text("extends: e_to_mu_phi\nblind: {samples: rum, box: e_miss > 20 GeV}\n")
    for command in (
        ("select", tables),
        ("select", tables / "signal.root"),
        ("scan", tables, *SCAN),
    ):
        done = cli(*command, "--analysis", tmp_path / "cuts.yaml")
        assert done.code == 2, command
        assert re.search(r"cuts\.yaml:2:18: blind: 'rum' is neither a sample nor a role", done.err), done.err
        assert "did you mean 'run'" in done.err
        assert cli(*command, "--analysis", tmp_path / "cuts.yaml", "--unblind").code == 0


SCAN = ("-p", "hcal_mip[0]", "--from", "0GeV", "--to", "1GeV", "--points", "3")


def test_the_simulation_of_a_blinded_job_is_selected_by_itself(cli, prepared, tables, tmp_path):
    """`blind` names a sample that the command is not given: it is known, since its tables stand beside."""
    folder = prepared(1)
    cuts, box = folder / "cuts.yaml", "extends: e_to_mu_phi\nblind: {samples: NAME, box: e_miss > 20 GeV}\n"
    cuts.write_text(box.replace("NAME", "run"))
    assert cli("process", folder / "runs.yaml", "--out", folder / "o").code == 0
    assert cli("select", folder / "o" / "tables" / "signal", "--analysis", cuts).code == 0
    assert cli("select", tables / "signal.root", "--analysis", cuts).code == 0
    shutil.copy(tables / "signal.root", tmp_path / "alone.root")
    done = cli("select", tmp_path / "alone.root", "--analysis", cuts)
    assert done.code == 2  # nobody can tell
    assert "samples and roles are" in done.err
    cuts.write_text(box.replace("NAME", "mc"))
    done = cli("select", folder / "o" / "tables" / "signal", "--analysis", cuts)
    assert done.code == 2  # the name of a file is not the name of a sample


def test_a_table_of_data_in_memory_is_not_shown_by_a_typo(tables):
    from emiss.configs.errors import UserError

    text = "extends: e_to_mu_phi\nblind: {samples: NAME, box: e_miss > 20 GeV}\n"
    table = read(tables / "run.root")
    with pytest.raises(UserError, match="'rum' is neither a sample nor a role"):
        selection.run(table, selection.loads(text.replace("NAME", "rum")))
    assert selection.run(table, selection.loads(text.replace("NAME", "run"))).cutflow.samples["run"].hidden
    shown = selection.run(table, selection.loads(text.replace("NAME", "rum")), unblind=True)
    assert not shown.cutflow.samples["run"].hidden
    simulated = read(tables / "signal.root")
    assert not selection.run(simulated, selection.loads(text.replace("NAME", "run"))).cutflow.samples["signal"].hidden
