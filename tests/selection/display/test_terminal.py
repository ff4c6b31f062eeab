from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from emiss.configs.errors import UserError
from emiss.selection.display import terminal
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable

WIDE = """\
e_to_mu_phi

               --- signal ---   ---- dimuon ----   ---- beam ----    data (blinded)
                  n  per 1e11        n  per 1e11      n  per 1e11                  n
cut             efficiency, %      efficiency, %    efficiency, %      efficiency, %
all            1000         2     1000     10000   1000      1e11               1000
single_track    850       1.7      120      1200      0   < 1.8e8                 40
               85.0 +1.1 -1.2     12.0 +1.1 -1.0           < 0.18   4.00 +0.72 -0.62
mip_veto        720      1.44       11       110      0   < 1.8e8                  3
               72.0 +1.4 -1.4   1.10 +0.44 -0.33           < 0.18   0.30 +0.29 -0.16
e_miss          690      1.38        1        10      0   < 1.8e8                  0
               69.0 +1.4 -1.5   0.10 +0.23 -0.08           < 0.18             < 0.18

variation  signal  dimuon  beam  data
srd         +50 %   +50 %     -     -

ledger  read  = passed  + not physics  + lost  + excluded      bad      on target
signal  1010      1000             10       0           0      0 %           1e11
dimuon  1013      1000             10       3           0  0.299 %           1e10
beam    1010      1000             10       0           0      0 %  1000, in part
data    1010      1000             10       0           0      0 %              -
dimuon: lost: raw.event_size 3
dimuon: damage inside passed events: raw.event_corrupted2 12 records in 4 events
dimuon: 4096 bytes skipped
data: hidden

undefined for events that reached the cut: single_track 2 of dimuon; mip_veto 2 of dimuon; e_miss 2 of dimuon
weights: nominal; also counted: srd_up
intervals: wilson effective-n 68.3 % for signal; clopper-pearson 68.3 % for dimuon, beam, data
per 1e11: events expected for 1e11 particles on target
"""

STACKED = """\
               ---------------------- dimuon ----------------------
cut               n          efficiency  of the cut before  per 1e9
all            1000                                             100
single_track    120    12.0 +1.1 -1.0 %   12.0 +1.1 -1.0 %       12
mip_veto         11  1.10 +0.44 -0.33 %    9.2 +3.4 -2.7 %      1.1
e_miss            1  0.10 +0.23 -0.08 %         9 +18 -8 %      0.1

               ------------------- beam -------------------
cut               n  efficiency  of the cut before  per 1e9
all            1000                                     1e9
single_track      0    < 0.18 %           < 0.18 %  < 1.8e6
mip_veto          0    < 0.18 %                  -  < 1.8e6
e_miss            0    < 0.18 %                  -  < 1.8e6

               -------------- data (blinded) --------------
cut               n          efficiency   of the cut before
all            1000
single_track     40  4.00 +0.72 -0.62 %  4.00 +0.72 -0.62 %
mip_veto          3  0.30 +0.29 -0.16 %     7.5 +6.8 -4.1 %
e_miss            0            < 0.18 %              < 46 %
"""

DETAIL = """\

dimuon
cut           in sequence  alone  N-1  only failed  undef.  undef. alone
all                  1000
single_track          120    125    4            3       2             4
mip_veto               11     16    4            3       2             4
e_miss                  1      6    4            3       2             4
single_track  count(tracks) == 1
mip_veto      6 MeV < sum(veto.energy) < 16 MeV
e_miss        e_miss > 20 GeV
"""


def test_the_table_side_by_side(demo: Cutflow) -> None:
    assert terminal.text(demo, width=120) == WIDE


def test_the_tables_below_one_another_where_it_is_narrow(demo: Cutflow) -> None:
    text = terminal.text(demo, width=72, normalise_to=1e9)
    assert STACKED in text
    assert max(map(len, text.splitlines())) <= 72
    assert "signal: read 1010 = passed 1000 + not physics 10 + lost 0 + excluded 0" in text


def test_one_line_per_cut_where_it_is_wide(demo: Cutflow) -> None:
    line = next(li for li in terminal.text(demo, width=200).splitlines() if li.startswith("mip_veto"))
    cells = "mip_veto 720 72.0 +1.4 -1.4 % 1.44 11 1.10 +0.44 -0.33 % 110 0 < 0.18 % < 1.8e8 3 0.30 +0.29 -0.16 %"
    assert " ".join(line.split()) == cells


def test_five_samples_with_five_cuts_fit_120_columns(make_cutflow: Callable[..., Cutflow]) -> None:
    five = sum(
        make_cutflow(name, (20500, 9000, 130, 7), weight=w)
        for name, w in (("signal", 2.3e-5), ("dimuon", 1.0), ("pion_decay", 1.7e3), ("kaon_decay", 0.31), ("beam", 1.0))
    )
    lines = terminal.text(five, width=120).splitlines()
    assert max(map(len, lines)) <= 120
    assert any(line.startswith("mip_veto") and line.split().count("130") == 5 for line in lines)


def test_what_one_cut_does_by_itself(demo: Cutflow) -> None:
    assert terminal.detail_text(demo, "dimuon", width=80) == DETAIL
    assert "signal (sums of weights)" in terminal.detail_text(demo, "signal")
    with pytest.raises(UserError, match=r"no sample 'dimuons'.*did you mean 'dimuon'"):
        terminal.detail(demo, "dimuons")


def test_rich_shows_the_same_text(demo: Cutflow) -> None:
    from rich.console import Console

    console = Console(width=120, force_terminal=True, color_system="truecolor", legacy_windows=False)
    with console.capture() as capture:
        console.print(terminal.render(demo, width=120))
    assert re.sub(r"\x1b\[[0-9;]*m", "", capture.get()) == WIDE
    assert capture.get() != WIDE
    with console.capture() as capture:
        console.print(terminal.detail(demo, "dimuon", width=80))
    assert re.sub(r"\x1b\[[0-9;]*m", "", capture.get()) == DETAIL


def test_regions_stand_under_their_names(make_cutflow: Callable[..., Cutflow]) -> None:
    rows = make_cutflow("beam", (10, 5, 2, 1)).samples["beam"].regions["signal"]
    both = make_cutflow("beam", (10, 5, 2, 1), regions={"signal": rows, "dimuon_control": rows})
    text = terminal.text(both, width=100)
    assert [line for line in text.splitlines() if line.startswith("region")] == [
        "region signal",
        "region dimuon_control",
    ]
    assert "region signal" not in terminal.text(both, region="dimuon_control", width=100)
    with pytest.raises(UserError, match=r"no region 'control'.*did you mean 'dimuon_control'"):
        terminal.render(both, region="control")


def test_hostile_names_stay_in_their_line(make_cutflow: Callable[..., Cutflow]) -> None:
    text = terminal.text(make_cutflow("be\x1b[31mam\n[bold]x", (10, 5, 2, 1)), width=120)
    assert "\x1b" not in text
    assert "be [31mam [bold]x" in text


def test_nothing_counted_says_so(make_cutflow: Callable[..., Cutflow]) -> None:
    assert "no cut was counted" in terminal.text(make_cutflow("beam", (0, 0, 0, 0), regions={}))
    assert "no cut was counted" in terminal.text(Cutflow.empty())
    empty = terminal.text(make_cutflow("beam", (0, 0, 0, 0)), width=100)
    assert "nan" not in empty
    assert re.search(r"single_track +0 +- +- +-\n", empty)


def test_without_particles_on_target_weighted_samples_show_sums_of_weights(
    make_cutflow: Callable[..., Cutflow],
) -> None:
    text = terminal.text(make_cutflow("x", (10, 8, 6, 4), weight=0.25, on_target=None), width=100)
    assert "sum of w" in text
    assert re.search(r"e_miss +4 .* 1\n", text)
    assert "particles on target" not in text


def test_printing_a_cutflow_prints_the_table(demo: Cutflow) -> None:
    assert str(demo) == terminal.text(demo)
