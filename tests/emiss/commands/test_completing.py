"""Shell completion: names that ship, files, and what the analysis of the command line holds; without heavy imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

from emiss.commands.app import app

SLOW = ("numpy", "numba", "scipy", "awkward", "pyarrow", "uproot", "matplotlib", "aiohttp")


@pytest.fixture
def offered(capsys, monkeypatch, tmp_path):
    """Return what bash offers for the last word of a line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        "analysis: mine\nextends: e_to_mu_phi\nparameters: {mine_min: [1 GeV, 2 GeV]}\n"
        "cuts: [{name: mine_cut, require: ecal.energy > 1 GeV}]\nregions: {near: {}, far: {drop: [quality]}}\n"
    )
    (tmp_path / "run.dat").touch()
    (tmp_path / "odd\n.yaml").touch()

    def found(line):
        words = line.split(" ")
        monkeypatch.setenv("_EMISS_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit):
            get_command(app).main([], prog_name="emiss")
        return capsys.readouterr().out.split("\n")[:-1]

    return found


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("emiss simulate calib_", ["calib_electron", "calib_hadron", "calib_led", "calib_muon", "calib_pedestal"]),
        ("emiss select t --analysis mi", ["mine.yaml"]),
        ("emiss select t --analysis invis", ["invisible"]),
        ("emiss process run --detector na64mu", ["na64mu_2022"]),
        ("emiss process run", ["run.dat"]),
        ("emiss process demo_", ["demo_full"]),
        ("emiss select t --set e_miss", ["e_miss_min="]),
        ("emiss select t --set e_miss_min=", ["e_miss_min=20GeV"]),
        ("emiss select t --analysis mine.yaml --set mine_min=", ["mine_min=[1GeV,2GeV]"]),
        ("emiss select t --analysis mine.yaml --after mi", ["mip_veto", "mip_hcal", "missing_energy", "mine_cut"]),
        ("emiss select t --analysis mine.yaml --region ", ["near", "far"]),
        ("emiss select t --analysis none.yaml --after ", [""]),
        ("emiss scan t -p hcal", ["hcal_mip"]),
        ("emiss run vis", ["visible"]),
        ("emiss limit --search al", ["alp"]),
        ("emiss monitor run --rules def", ["default"]),
        ("emiss new schema d", ["detector"]),
    ],
)
def test_what_is_offered(offered, line, some):
    assert offered(line) == some


def test_nothing_heavy_is_imported(offered):
    code = (
        "import sys\nimport emiss.cli\nfrom emiss.commands.app import app\nfrom typer.main import get_command\n"
        "try:\n    get_command(app).main([], prog_name='emiss')\nexcept SystemExit: pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    assert offered("emiss select t --after qual") == ["quality"]  # which leaves its variables set
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("quality\n", "[]\n")
