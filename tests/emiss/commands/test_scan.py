"""``emiss scan`` on stored tables."""

from __future__ import annotations

import json

ENDS = ("--from", "0GeV", "--to", "60GeV", "--points", "7")


def last(path, sample):
    rows = json.loads(path.read_text())["samples"][sample]["regions"]["nominal"]["weights"]["nominal"]["cuts"]
    return rows[-1]["n"]


def test_steps_are_what_select_gives(cli, tables, tmp_path):
    plot = tmp_path / "scan.png"
    done = cli("scan", tables, "-p", "e_miss_min", *ENDS, "--out", tmp_path / "scan", "--plot", plot)
    assert done.code == 0, done.err
    assert "signal: best at e_miss_min = " in done.out
    assert plot.read_bytes()[:4] == b"\x89PNG"
    data = json.loads((tmp_path / "scan" / "scan_e_miss_min.json").read_text())
    for step in (2, 4):
        value = data["axes"][0]["values"][step]
        assert cli("select", tables, "--set", f"e_miss_min={value}GeV", "--out", tmp_path / "at").code == 0
        for sample in ("signal", "dimuon"):
            n = data["samples"][sample]["regions"]["nominal"]["n"][step]
            assert last(tmp_path / "at" / "cutflow.json", sample) == n


def test_two_parameters(cli, tables, tmp_path):
    second = ("-p", "veto_mip[1]", "--from", "8MeV", "--to", "20MeV", "--points", "4")
    done = cli("scan", tables, "-p", "e_miss_min", *ENDS, *second, "--out", tmp_path)
    assert done.code == 0, done.err
    assert "best at e_miss_min = " in done.out
    data = json.loads((tmp_path / "scan_e_miss_min_veto_mip_1.json").read_text())
    assert len(data["samples"]["signal"]["regions"]["nominal"]["n"]) == 7
    assert data["curves"][0]["interval"] is None


def test_mistakes(cli, tables, tmp_path):
    wrong = cli("scan", tables, "-p", "e_miss", *ENDS)
    assert (wrong.code, "did you mean 'e_miss_min'" in wrong.err) == (2, True)
    wrong = cli("scan", tables / "dimuon.root", "-p", "e_miss_min", *ENDS)
    assert (wrong.code, "a sample of the role 'signal'" in wrong.err) == (2, True)
    wrong = cli("scan", tables, "-p", "e_miss_min", *ENDS, "--plot", tmp_path / "x.gif")
    assert (wrong.code, "not '.gif'" in wrong.err) == (2, True)


def test_a_mistake_names_its_option_and_shows_its_value(cli, tables):
    wrong = cli("scan", tables, "-p", "e_miss_min", "--from", "0 GeVV", "--to", "60 m")
    assert (wrong.code, '"parameter"' in wrong.err, "command line" in wrong.err) == (2, False, False)
    assert "--from:1:3: unknown unit 'GeVV'" in wrong.err
    assert "  0 GeVV\n    ^^^^\n" in wrong.err
    wrong = cli("scan", tables, "-p", "e_miss_min", "--from", "0 GeV", "--to", "60 m")  # seen when it meets the cuts
    assert (wrong.code, "--to:1:1: '60 m' is not in GeV" in wrong.err) == (2, True)
    wrong = cli("scan", tables, "-p", "e_miss_min", *ENDS, "--merit", "signal + backgroun")
    assert (wrong.code, "--merit:1:10: unknown name 'backgroun'" in wrong.err) == (2, True)
    wrong = cli("scan", tables, "-p", "e_miss_min", *ENDS, "--from", "1GeV")
    assert (wrong.code, "--from is given 2 times for 1 of --parameter" in wrong.err) == (2, True)
    wrong = cli("scan", tables, "-p", "e_miss_min", *ENDS, "--region", "nominel")
    assert (wrong.code, "did you mean 'nominal'" in wrong.err) == (2, True)


def test_what_is_missing_is_called_by_its_name(cli, tmp_path):
    for arguments, said in (
        (["process", "nope"], "no run list 'nope'"),
        (["process", "x.dat", "--analysis", "nope"], "no such file"),
        (["simulate", "nope", "--out", tmp_path / "x.dat"], "no sample 'nope'"),
    ):
        done = cli(*arguments)
        assert (done.code, said in done.err) == (2, True), done.err


def test_no_candidate_is_said_in_one_way():
    from emiss.configs.errors import did_you_mean

    assert did_you_mean("x", [], otherwise="names are") == "there are none"
