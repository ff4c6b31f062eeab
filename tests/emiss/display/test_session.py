"""What the page is told: outlines and cells in their place, tracks through their clusters, nothing of hidden events."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from emiss import events
from emiss.configs.errors import UserError
from emiss.display import picture
from emiss.display.geometry import Geometry
from emiss.events.files.open import write
from emiss.reco.detector.model import load_detector
from tests.emiss.display.conftest import BLIND


def first_passing(session, **wanted):
    return session.listing({"filter": {"passing": "mip_veto", **wanted}})["rows"][0]


def at(row):
    return {"file": row["file"], "row": row["row"]}


@pytest.mark.parametrize("name", ["na64e_lfc", "ldmx_like"])
def test_outlines_are_those_of_the_set_up(name):
    detector = load_detector(name)
    told = json.loads(json.dumps(Geometry(detector).describe(), allow_nan=False))
    shown = {shape["name"]: shape for shape in told["shapes"]}
    assert shown.keys() == detector.volumes.keys()
    for key, volume in detector.volumes.items():
        if volume.angle or not volume.height:
            continue
        z, y = np.array(shown[key]["y"]).T
        assert (z.min(), z.max()) == pytest.approx((volume.z, volume.z + volume.depth), abs=0.01)
        assert (y.min(), y.max()) == pytest.approx(
            (volume.y - volume.height / 2, volume.y + volume.height / 2), abs=0.01
        )
    assert [place[0] for place in told["channels"]] == list(detector.channels)
    for _, part, outline, x, y, _, cells in told["channels"]:
        if cells:
            columns, rows = shown[outline]["cells"]
            assert x < columns
            assert y < rows
            assert shown[outline]["part"] == part


def test_an_event_has_the_energies_of_the_table_and_tracks_go_through_their_clusters(make_session, raw, stored):
    session = make_session(raw)
    row = first_passing(session)
    told = session.event(at(row))
    assert (told["name"], told["tier"], told["lacking"]) == (row["name"], "raw", "")
    assert told["cuts"] == ["passes"] * 5
    table = events.read(stored)
    place = int(np.flatnonzero(table["event.entry"] == row["row"])[0])
    energies = {part["part"]: [energy for _, energy, _ in part["elements"]] for part in told["parts"]}
    for name in ("ecal", "hcal", "veto", "srd"):
        assert energies[name] == pytest.approx(np.atleast_1d(table[f"{name}.energy"][place]), rel=1e-6)
    channels = session.geometry.describe()["channels"]
    for name in ("ecal", "hcal"):
        cells = [energy for channel, energy, _ in told["cells"] if channels[channel][1] == name]
        assert sum(cells) == pytest.approx(sum(energies[name]), rel=1e-6)
    (track,) = told["tracks"]
    planes = session.opened.detector.planes
    for plane, position, *_ in told["clusters"]:
        view = planes[plane].view
        assert np.interp(planes[plane].z, track["z"], track[view]) == pytest.approx(position, abs=1.5)


def test_truth_stands_beside_what_was_reconstructed(make_session, hits):
    session = make_session(hits, analysis=None)
    seen = [session.event({"file": 0, "row": row}) for row in range(12)]
    compared = [{one["name"]: one for one in told["compared"]} for told in seen if len(told["tracks"]) == 1]
    away = [one["truth.p_spec"]["value"] / one["truth.p_spec"]["truth"] - 1 for one in compared]
    assert len(away) > 6
    assert np.median(np.abs(away)) < 0.05
    assert compared[0]["truth.p_spec"]["what"] == "tracks.p[0]"
    assert compared[0]["truth.e_lost"]["value"] is None
    for told in seen:
        for true, track in zip(told["truth"], told["tracks"], strict=False):
            assert true["x"] == pytest.approx(track["x"], abs=5.0)
            assert true["y"] == pytest.approx(track["y"], abs=5.0)


def test_without_its_run_file_an_event_is_what_the_table_has(make_session, stored, tmp_path):
    table = events.read(stored)
    provenance = {**table.metadata.provenance, "inputs": []}
    session = make_session(write(table.with_metadata(provenance=provenance), tmp_path / "alone.parquet"))
    row = first_passing(session)
    told = session.event(at(row))
    assert told["tier"] == "table"
    assert "does not say of which run file" in told["lacking"]
    energy = next(part["elements"][0][1] for part in told["parts"] if part["part"] == "ecal")
    assert sum(cell[1] for cell in told["cells"]) == pytest.approx(energy, rel=1e-6)
    assert len(told["tracks"]) == 1
    with pytest.raises(UserError, match="only the run file has waveforms and strips"):
        session.signals({**at(row), "part": "ecal"})


def test_signals_are_those_of_the_part(make_session, raw):
    session = make_session(raw)
    row = first_passing(session)
    found = session.signals({**at(row), "part": "ecal"})["channels"]
    assert all(one["name"].startswith("ECAL") for one in found)
    used = [pulse["energy"] for one in found for pulse in one["pulses"] if pulse["used"]]
    told = session.event(at(row))
    energy = next(part["elements"][0][1] for part in told["parts"] if part["part"] == "ecal")
    assert sum(used) == pytest.approx(energy, rel=1e-6)
    heights = [max(one["level"]) for one in found]
    assert heights == sorted(heights, reverse=True)
    for plane in session.signals({**at(row), "part": "mm"})["planes"]:
        strips = dict(plane["strips"])
        for cluster in plane["clusters"]:
            nearest = min(strips, key=lambda place: abs(place - cluster["position"]))
            assert abs(nearest - cluster["position"]) < plane["pitch"] * cluster["size"]
            assert strips[nearest] > 0
    with pytest.raises(UserError, match="no part 'ecl' with read-out; did you mean 'ecal'"):
        session.signals({**at(row), "part": "ecl"})


def test_hidden_events_are_not_told_of(make_session, raw, stored):
    table = events.read(stored)
    inside = np.flatnonzero(table["ecal.energy"] > 40.0)
    for path, row in ((raw, int(table["event.entry"][inside[0]])), (stored, int(inside[0]))):
        session = make_session(path, analysis=BLIND)
        (file,) = session.describe()["files"]
        assert (file["hidden"], file["events"]) == (True, None)
        found = session.listing({"count": 500})
        assert found["found"] == 500 - len(inside)
        assert row not in [one["row"] for one in found["rows"]]
        for question in ("event", "picture", "signals"):
            with pytest.raises(UserError, match="inside the box of a blinded sample; --unblind opens the box"):
                getattr(session, question)(
                    {"file": 0, "row": row, **({"part": "ecal"} if question == "signals" else {})}
                )
        assert make_session(path, analysis=BLIND, unblind=True).event({"file": 0, "row": row})["cuts"][0] == "passes"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"file": 0},
        {"file": -1, "row": 2},
        {"file": 7, "row": 2},
        {"file": 0, "row": 2, "path": "/etc/passwd"},
    ],
)
def test_what_is_no_question(make_session, stored, data):
    with pytest.raises(UserError):
        make_session(stored, analysis=None).event(data)


def test_pictures_go_to_the_folder_alone_and_over_nothing(make_session, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "picture", lambda *given: f"{given[3]} of {given[2]}".encode())
    out = tmp_path / "pictures"
    session = make_session(raw, out=out)
    row = first_passing(session)
    made = [session.picture({**at(row), "kind": kind}) for kind in ("svg", "pdf", "svg")]
    name = row["name"].replace("/", "-")
    assert [one["path"] for one in made] == [str(out / f"event-{name}{end}") for end in (".svg", ".pdf", "-2.svg")]
    assert len(list(tmp_path.rglob("*"))) == 4
    run, spill, number = row["name"].split("/")
    said = f"svg of signal: run {run}, spill {spill}, event {number}".encode()
    assert base64.b64decode(made[0]["content"]) == said == (out / f"event-{name}.svg").read_bytes()
    assert make_session(raw).picture(at(row))["path"] is None
    out.joinpath("x").write_text("")
    with pytest.raises(UserError, match="x"):
        make_session(raw, out=out / "x").picture(at(row))


def test_a_picture_has_names_tracks_and_no_markup_of_a_name(make_session, stored, tmp_path):
    table = events.read(stored).with_metadata(sample="<script>alert(1)</script> $\\frac{$")
    session = make_session(write(table, tmp_path / "t.parquet"))
    row = first_passing(session)
    text = base64.b64decode(session.picture({**at(row), "within": [500.0, 9000.0]})["content"]).decode()
    for word in ("HCAL0", "MM1", "MBPL", "track charge", "GeV", "&lt;script&gt;alert(1)"):
        assert word in text
    assert "<script" not in text
    assert "SRD0" not in text
    with pytest.raises(UserError, match="nothing stands from"):
        session.picture({**at(row), "within": [2e5, 3e5]})


def test_a_search_that_breaks_off_is_not_done(make_session, stored, monkeypatch):
    session = make_session(stored, analysis=None)
    blocks = session.files[0].blocks

    def broken(start, stop, columns):
        yield from blocks(start, 100, columns)
        raise UserError("cannot be read further")

    monkeypatch.setattr(session.files[0], "blocks", broken)
    asked = {"filter": {"expression": "ecal.energy > 0 GeV"}, "start": 50}
    for _ in range(2):
        with pytest.raises(UserError, match="cannot be read further"):
            session.listing({**asked, "start": 400})
    assert len(session.listing({**asked, "start": 0})["rows"]) == 50
