"""The kinds of derivations by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calibrate.alignment import Alignment
from emiss.calibrate.field_scale import FieldScale
from emiss.calibrate.grids import Grids
from emiss.calibrate.mips import Mips
from emiss.calibrate.pedestals import Pedestals
from emiss.calibrate.shower_profiles import ShowerProfiles
from emiss.calibrate.spectra import Spectra
from emiss.calibrate.strip_gains import StripGains
from emiss.calibrate.strip_status import StripStatus
from emiss.calibrate.strip_times import StripTimes
from emiss.calibrate.times import Times
from emiss.configs.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calibrate.frame import Derivation, Options
    from emiss.reco.detector.model import Detector

KINDS: Mapping[str, type[Derivation]] = {
    one.kind: one
    for one in (
        Pedestals,
        Times,
        Mips,
        Grids,
        ShowerProfiles,
        Spectra,
        Alignment,
        FieldScale,
        StripStatus,
        StripGains,
        StripTimes,
    )
}


def derivation_of(kind: str, detector: Detector, options: Options) -> Derivation:
    """Return the derivation of a kind for a set-up.

    Raises
    ------
    UserError
        If there is no such kind, or no such part.
    """
    refuse_unknown(kind)
    known = [*detector.read_out, *detector.trackers, *detector.magnets]
    for part in options.parts:
        if part not in known:
            raise UserError(f"the set-up {detector.name} has no part '{part}'", hint=did_you_mean(part, known))
    return KINDS[kind](detector, options)


def refuse_unknown(kind: str) -> None:
    """Raise a UserError if there is no such kind."""
    if kind not in KINDS:
        raise UserError(f"no kind '{kind}' of constants is derived", hint=did_you_mean(kind, KINDS, otherwise="one of"))
