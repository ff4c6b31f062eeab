"""Sessions of events to look at."""

from __future__ import annotations

import pytest

from emiss import selection
from emiss.display.session import Session
from emiss.look.judge import Judge, Wanted
from emiss.look.opening import open_events
from tests.emiss.look.conftest import hits, raw, stored

__all__ = ["hits", "raw", "stored"]

BLIND = """\
analysis: hidden
cuts: [{name: some, require: ecal.energy > 5 GeV}, {name: one, require: count(tracks) == 1}]
blind: {samples: data, box: ecal.energy > 40 GeV}
"""


@pytest.fixture(scope="session")
def make_session():
    """Return a function that makes a session of files and an analysis."""

    def make(*paths, analysis="e_to_mu_phi", out=None, wanted=Wanted(), detector=None, unblind=False):  # noqa: B008
        opened = open_events(paths, detector, None)
        cuts = None if analysis is None else selection.loads(analysis) if "\n" in analysis else selection.load(analysis)
        return Session(opened, Judge(cuts, opened.detector, unblind=unblind), out, wanted)

    return make
