"""The kinds of derivations by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.calibrate.calorimeters.drifts import Drift, InSpill
from emiss.calibrate.calorimeters.grids import Grids
from emiss.calibrate.calorimeters.leds import Leds
from emiss.calibrate.calorimeters.mips import Mips
from emiss.calibrate.calorimeters.pedestals import Pedestals
from emiss.calibrate.calorimeters.shower_profiles import ShowerProfiles
from emiss.calibrate.calorimeters.spectra import Spectra
from emiss.calibrate.calorimeters.statuses import Statuses
from emiss.calibrate.calorimeters.templates import Templates
from emiss.calibrate.calorimeters.times import Times
from emiss.calibrate.calorimeters.walks import Walks
from emiss.calibrate.trackers.alignment import Alignment
from emiss.calibrate.trackers.field_scale import FieldScale
from emiss.calibrate.trackers.strip_gains import StripGains
from emiss.calibrate.trackers.strip_status import StripStatus
from emiss.calibrate.trackers.strip_times import StripTimes
from emiss.calibrate.trackers.wire_status import WireStatus
from emiss.calibrate.trackers.wire_times import WireTimes
from emiss.configs.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calibrate.frame import Derivation, Options
    from emiss.reco.detector.model import Detector

KINDS: Mapping[str, type[Derivation]] = {
    one.kind: one
    for one in (
        Statuses,
        Pedestals,
        Templates,
        Walks,
        Times,
        Leds,
        Drift,
        InSpill,
        Mips,
        Grids,
        Spectra,
        ShowerProfiles,
        StripStatus,
        StripGains,
        StripTimes,
        WireTimes,
        WireStatus,
        Alignment,
        FieldScale,
    )
}


def derivation_of(kind: str, detector: Detector, options: Options) -> Derivation:
    """Return the derivation of a kind for a set-up.

    Raises
    ------
    UserError
        If there is no such kind, or no such part, or the kind has no such option.
    """
    refuse_unknown(kind)
    known = [*detector.read_out, *detector.trackers, *detector.magnets]
    for part in options.parts:
        if part not in known:
            raise UserError(f"the set-up {detector.name} has no part '{part}'", hint=did_you_mean(part, known))
    _refuse_source(KINDS[kind], options)
    if options.curved and kind != Alignment.kind:
        raise UserError(f"{kind} knows no '--curved': it is how {Alignment.kind} takes tracks in a field")
    if options.samples is not None and kind != Pedestals.kind:
        raise UserError(f"{kind} knows no '--samples': it is how {Pedestals.kind} are taken before the pulses")
    return KINDS[kind](detector, options)


def _refuse_source(kind: type[Derivation], options: Options) -> None:
    """Raise a UserError if a kind is not made from events of this origin."""
    if options.events and options.events not in kind.sources:
        if not kind.sources:
            raise UserError(f"{kind.kind} is derived from {kind.wants}: it takes no '--events'")
        hint = did_you_mean(options.events, kind.sources, otherwise="one of")
        raise UserError(f"{kind.kind} is not derived from events '{options.events}'", hint=hint)


def refuse_unknown(kind: str) -> None:
    """Raise a UserError if there is no such kind."""
    if kind not in KINDS:
        raise UserError(f"no kind '{kind}' of constants is derived", hint=did_you_mean(kind, KINDS, otherwise="one of"))
