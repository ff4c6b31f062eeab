"""Packages that add a stage and a function: the example of the page is installed and used, and what may be wrong with one."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events import plug_ins
from emiss.events.columns import Column
from emiss.events.table import EventTable, Metadata
from emiss.job import identity
from emiss.samples import models
from emiss.selection.results.cutflow import Cutflow

EXAMPLE = Path(__file__).parent / "plug_in_example"
PAGE = Path(__file__).parents[1] / "docs" / "plug-ins.md"

SETUP = """
extends: na64e_lfc
name: mine
stages: [hcal_depth]
derived:
  behind: {expression: hcal.depth - 0.6 m, unit: m}
  tracks.pt: transverse(tracks.p, tracks.tx, tracks.ty)
"""
CUTS = """
analysis: mine
made_with: mine.yaml
cuts:
  - {name: late, require: hcal.depth > 1 m}
  - {name: soft, require: 'any(transverse(tracks.p, tracks.tx, tracks.ty) < 100 MeV)'}
"""
RUNS = "detector: mine.yaml\nanalysis: cuts.yaml\ncalib: demo\nsamples: {data: {role: data, files: [run.dat]}}\n"


def install(site: Path, package: str, points: dict[str, dict[str, str]], sources: dict[str, str]) -> None:
    """Lay a package into a folder of the path, as pip does."""
    name, version = package.split()
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for file, text in sources.items():
        (site / file).write_text(text)
    again()


def again() -> None:
    importlib.invalidate_caches()
    for module in [name for name in sys.modules if name in ("my_emiss", "odd")]:
        del sys.modules[module]
    plug_ins.forget()
    identity._identity.cache_clear()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of the path in which packages are installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    monkeypatch.undo()
    again()


@pytest.fixture
def example(site) -> Path:
    """The example, installed."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    source = (EXAMPLE / "my_emiss.py").read_text()
    install(site, f"{project['name']} {project['version']}", project["entry-points"], {"my_emiss.py": source})
    return site


@pytest.fixture
def work(tmp_path, run_files, monkeypatch) -> Path:
    """A folder with a run file, a set-up, cuts and a run list."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(run_files["signal.dat"], "run.dat")
    for name, text in (("mine", SETUP), ("cuts", CUTS), ("runs", RUNS)):
        Path(f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("file", ["pyproject.toml", "my_emiss.py"])
def test_the_page_shows_the_example(file):
    assert f"\n{(EXAMPLE / file).read_text()}```" in PAGE.read_text()


def test_a_job_with_a_stage_a_function_and_derived_quantities(example, work, cli):
    assert cli("check", "mine.yaml", "cuts.yaml").code == 0
    done = cli("process", "runs.yaml", "--out", "out")
    assert done.code == 0, done.err
    from emiss.events.files.open import open_table

    path = next(Path("out/tables").rglob("*.parquet"))
    file = open_table(path)
    table = next(
        iter(file.batches(["hcal.energy", "hcal.depth", "behind", "tracks.pt", "tracks.p", "tracks.tx", "tracks.ty"]))
    )
    energy, z = table.flat["hcal.energy"], np.array([600.0, 2100.0, 3600.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(table.flat["hcal.depth"], (energy * z).sum(axis=1) / energy.sum(axis=1))
    np.testing.assert_allclose(table.flat["behind"], (table.flat["hcal.depth"] - 600.0) / 1000)
    tracks = table.lists["tracks"]
    slope = np.hypot(tracks["tx"], tracks["ty"])
    np.testing.assert_allclose(tracks["pt"], tracks["p"] * np.sin(np.arctan(slope)), rtol=1e-9)
    assert file.columns["behind"].expression == "hcal.depth - 0.6 m"
    assert file.columns["behind"].unit == "m"
    said = file.metadata.provenance["plug_ins"]
    assert set(said) == {"stage 'hcal_depth' of my-emiss 1.2", "function 'transverse' of my-emiss 1.2"}
    assert all(one.startswith("my-emiss 1.2 (code ") for one in said.values())
    found = next(Path("out").rglob("*cutflow.json"))
    stored = json.loads(found.read_text())
    assert "plug-in stage hcal_depth" in stored["provenance"]["plug_ins"]
    assert "my-emiss 1.2" in identity.identity()["plug-in function transverse"]
    regions = Cutflow.load(found).samples["data"].regions
    rows = {row.name: row.sequential.n for row in next(iter(regions["nominal"].values()))}
    late = table.flat["hcal.depth"] > 1000
    soft = np.zeros(len(table), bool)
    np.logical_or.at(soft, tracks.parents, tracks["pt"] < 0.1)
    assert (rows["late"], rows["soft"]) == (late.sum(), (late & soft).sum())
    assert rows["soft"] >= 3


def test_other_code_makes_other_keys_and_other_cuts(example, work):
    from emiss.configs import loader
    from emiss.job.source import DetectorSource
    from emiss.reco.detector.model import load_detector

    def known():
        return DetectorSource(Path("mine.yaml"), loader.find("calib", "demo")).key, selection.load(
            "cuts.yaml"
        ).cuts_hash

    key, cuts = known()
    path = example / "my_emiss.py"
    path.write_text(path.read_text() + "\n# another code\n")
    again()
    other, cut_otherwise = known()
    assert key != other
    assert cuts != cut_otherwise
    assert load_detector("na64e_lfc").plug_ins == {}


def test_without_the_package_its_names_are_missed(work, cli):
    done = cli("check", "mine.yaml")
    assert done.code == 2
    assert "mine.yaml:4:10: no stage 'hcal_depth'" in done.err
    assert "no plug-in that gives one is installed" in done.err


def test_names_that_are_not_there_tell_those_that_are(example):
    with pytest.raises(
        UserError, match=r"unknown function 'transvers'.*did you mean 'transverse'.*; of plug-ins .*my-emiss 1.2"
    ):
        selection.loads("cuts: [{name: c, require: transvers(tracks.p) > 0}]\n")


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("transverse(1 GeV) > 0", r"transverse takes 3 arguments, not 1: transverse\(p, tx, ty\)"),
        ("transverse(1 mm, 1, 1) > 0", "transverse takes a quantity in GeV as 'p'; '1 mm' is in mm"),
        ("transverse(1 GeV, true, 1) > 0", "'true' is yes or no, where a number is needed"),
        ("transverse(1 GeV, 1, 1) > 1 mm", "cannot compare GeV and mm"),
    ],
)
def test_arguments_are_checked_before_an_event_is_read(example, require, said):
    analysis = selection.loads(f"analysis: a\ncuts: [{{name: c, require: '{require}'}}]\n")
    with pytest.raises(UserError, match=said):
        selection.bind(analysis, {})


def table(**columns) -> EventTable:
    declared = {
        name: Column(name, values.dtype.str[1:].replace("b1", "bool"), "GeV" if name == "a" else "1")
        for name, values in columns.items()
    }
    return EventTable(len(columns["a"]), columns, {}, Metadata(columns=declared))


ODD = """
import numpy as np
from emiss.events.columns import Column
from emiss.events.language.plug_in import Argument, PlugInFunction as F
from emiss.events.lists import Lists

A = (Argument("a", "MeV"),)
fails = F(lambda a: 1 / 0, A)
shape = F(lambda a: a[:1], A)
text = F(lambda a: a.astype(str), A)
both = F(lambda a, b: b & (a > 1500), (*A, Argument("b", kind="truth")), kind="truth")
same = F(lambda a: a, A, unit="MeV")
unit = F(lambda a: a, (Argument("a", "bananas"),))
nothing = 5

class Stage:
    uses, produces, needs, columns = (), ("mine.a",), {}, (Column("mine.a"),)
    def __init__(self, detector): pass
    def begin_run(self, conditions): pass
    def __call__(self, batch, products): return {"mine.a": np.zeros(len(batch))}

class Raises(Stage):
    def __call__(self, batch, products): raise KeyError("who")
class Begins(Stage):
    def begin_run(self, conditions): raise ValueError("no")
class Shape(Stage):
    def __call__(self, batch, products): return {"mine.a": np.zeros(3)}
class Type(Stage):
    columns = (Column("mine.a", "i4"),)
class More(Stage):
    def __call__(self, batch, products): return {"mine.a": np.zeros(len(batch)), "x": 1}
class None_(Stage):
    def __call__(self, batch, products): return None
class NoLists(Stage):
    produces, columns = ("mine",), (Column("mine.a", shape="list"),)
    def __call__(self, batch, products): return {"mine": Lists(np.zeros(3, np.int64), {"a": np.zeros(0)})}
class Good(NoLists):
    def __call__(self, batch, products):
        return {"mine": Lists(np.arange(len(batch) + 1), {"a": np.arange(len(batch))})}
class Uses(Stage):
    uses = ("hcal.enrgy",)
class Clash(Stage):
    produces, columns = ("hcal.energy",), (Column("hcal.energy"),)
class Undeclared(Stage):
    columns = (Column("mine.a"), Column("mine.b"))
class Unit(Stage):
    columns = (Column("mine.a", unit="bananas"),)
class Lacks(Stage):
    columns = property()
class Unmade(Stage):
    def __init__(self, detector): detector.parts["nowhere"]
"""
FUNCTIONS = ("fails", "shape", "text", "both", "same", "unit", "nothing", "lost", "sqrt")
STAGES = (
    "Raises",
    "Begins",
    "Shape",
    "Type",
    "More",
    "None_",
    "NoLists",
    "Good",
    "Uses",
    "Clash",
    "Undeclared",
    "Unit",
)


@pytest.fixture
def odd(site) -> Path:
    functions = {name: f"odd:{name}" for name in FUNCTIONS}
    stages = {name.lower(): f"odd:{name}" for name in (*STAGES, "Lacks", "Unmade", "Lost")}
    install(site, "odd 0.1", {"emiss.functions": functions, "emiss.stages": stages}, {"odd.py": ODD})
    return site


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("fails(a) > 0", "the function 'fails' of odd 0.1 failed: ZeroDivisionError"),
        ("shape(a) > 0", r"'shape' of odd 0.1 gives an array of shape \(1,\) for arguments of shape \(4,\)"),
        ("text(a) > 0", "'text' of odd 0.1 gives values of type <U32, and declares numbers"),
        ("unit(a) > 0", "'unit' of odd 0.1 declares an unknown unit .bananas.* for"),
        ("nothing(a) > 0", "'nothing' of odd 0.1 is no PlugInFunction, but int"),
        ("lost(a) > 0", "'lost' of odd 0.1 cannot be loaded: AttributeError"),
        (
            "sqrt(4) > a",
            "'sqrt' is a function of emiss, and the function 'sqrt' of odd 0.1 has the same name.*rename it",
        ),
    ],
)
def test_what_is_wrong_with_a_function_names_it(odd, require, said):
    analysis = selection.loads(f"analysis: a\ncuts: [{{name: c, require: '{require}'}}]\n")
    events = table(a=np.arange(4.0))
    with pytest.raises(UserError, match=said):
        selection.run(events, analysis)


def test_units_undefined_values_and_constants_of_a_function(odd):
    events = table(a=np.array([1.0, 2.0, np.nan, 4.0]), b=np.array([True, True, True, False]))

    def passing(require):
        return (
            selection.bind(
                selection.loads(f"analysis: a\ncuts: [{{name: c, require: '{require}'}}]\n"), events.metadata.columns
            )
            .passing(events)
            .tolist()
        )

    assert passing("both(a, b)") == [False, True, False, False]
    assert passing("not both(a, b)") == [True, False, False, True]
    assert passing("same(a) > 1.5 GeV") == [False, True, False, True]
    assert passing("same(2 GeV) < a") == [False, False, False, True]
    assert passing("isfinite(same(a))") == [True, True, False, True]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "the stage 'raises' of odd 0.1 failed: KeyError: 'who'"),
        ("begins", "the stage 'begins' of odd 0.1 failed at the beginning of a run: ValueError: no"),
        ("shape", r"makes 'mine.a' of shape \(3,\), declared with \(300,\)"),
        ("type", "makes 'mine.a' of type float64, declared as i4"),
        ("more", r"makes \['mine.a', 'x'\], and declares \['mine.a'\]"),
        ("none_", r"makes NoneType, and declares \['mine.a'\]"),
        ("nolists", "makes 'mine' as lists of 2 events, where lists of 300 events are needed"),
        ("uses", "uses 'hcal.enrgy', which no stage before it makes.*did you mean 'hcal.energy'"),
        ("clash", "d.yaml:3:10: the stage 'clash' of odd 0.1 declares the column 'hcal.energy', whose name is taken"),
        ("undeclared", "d.yaml:3:10: .*declares columns that it does not produce: mine.b"),
        ("unit", "d.yaml:3:10: .*declares 'mine.a' with an unknown unit 'bananas'"),
        ("lacks", "d.yaml:3:10: the stage 'lacks' of odd 0.1 has no 'columns'"),
        ("unmade", "d.yaml:3:10: the stage 'unmade' of odd 0.1 cannot be made for this set-up: KeyError: 'nowhere'"),
        ("lost", "d.yaml:3:10: the stage 'lost' of odd 0.1 cannot be loaded: AttributeError"),
        ("god", r"d.yaml:3:10: no stage 'god'.*did you mean 'good'.*installed: begins \(odd 0.1\)"),
    ],
)
def test_what_is_wrong_with_a_stage_names_it(odd, tmp_path, run_files, name, said):
    from emiss import reco

    path = tmp_path / "d.yaml"
    path.write_text(f"extends: na64e_lfc\nname: d\nstages: [{name}]\n")
    with pytest.raises(UserError, match=said):
        reco.process(reco.open(run_files["muon.root"], detector=path))


def test_a_stage_may_make_lists_and_they_are_cast_to_their_type(odd, tmp_path, run_files):
    from emiss import reco

    path = tmp_path / "d.yaml"
    path.write_text("extends: na64e_lfc\nname: d\nstages: [good]\n")
    made = reco.process(reco.open(run_files["muon.root"], detector=path)).lists["mine"]
    assert (len(made), made["a"].dtype) == (300, np.float64)
    np.testing.assert_array_equal(made.counts, 1)


MODELS = """
from emiss.physics.processes.vectors import DarkPhoton


class Mine(DarkPhoton):
    name = "mine"
    title = "a dark photon of one's own"


def broken(parameters):
    raise RuntimeError("no")


def odd(parameters):
    return 3
"""


def test_a_model_of_a_package_is_one_of_those_of_emiss(site):
    points = {"mine": "odd:Mine", "broken": "odd:broken", "odd": "odd:odd", "alp": "odd:Mine"}
    install(site, "odd 0.2", {"emiss.processes": points}, {"odd.py": MODELS})
    assert "mine" in models.names()
    assert models.model_of("mine", {"alpha_d": 0.5}).parameters["alpha_d"] == 0.5
    with pytest.raises(UserError, match="no parameter 'alpha'"):
        models.model_of("mine", {"alpha": 0.5})
    for name, said in (
        ("broken", "the model 'broken' of odd 0.2 cannot be made: RuntimeError: no"),
        ("odd", "the model 'odd' of odd 0.2 is no model"),
        ("alp", "the model 'alp' of odd 0.2 has the name of one of emiss"),
    ):
        with pytest.raises(UserError, match=said):
            models.model_of(name)
