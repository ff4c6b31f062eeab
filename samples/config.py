"""The schema of ``configs/samples/*.yaml``: what a sample is made of, how many events, which set-up, which constants."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from emiss.calib.beside import constants_of
from emiss.configs import loader
from emiss.configs.document import Document
from emiss.configs.errors import UserError
from emiss.configs.schema import Angle, Energy, Length, Model, Number, Time
from emiss.physics.constants import MUON_MASS
from emiss.physics.passage.decay_table import KAON_SHARES, PION_SHARES
from emiss.reco.detector.model import load_detector
from emiss.samples.beam_schema import Beam, Required, Splitting, Tagging, names

__all__ = [
    "Beam", "BeamProcess", "DecayProcess", "Digitisation", "DimuonProcess", "EmptyProcess", "LedProcess", "ModelProcess",
    "MuonProcess", "Process", "Required", "Response", "Sample", "SignalProcess", "Spill", "Splitting", "Tagging", "load_sample",
]  # fmt: skip

SAME_RATIO = 0.02
"""Relative; a branching ratio that is further off belongs to other modes."""

EVENTS_IN_SPILL_MAX = (1 << 20) - 1
"""The raw format has 20 bits for the number of an event in its spill."""

SUPPRESSED = 7.0
"""Sigma of the noise below which waveforms are left out where a sample says nothing."""


class Spill(Model):
    """How the events of a sample are spread over spills: events in each, Unix time of the first, time between two."""

    events: int = Field(gt=0, le=EVENTS_IN_SPILL_MAX)
    start: int = Field(ge=0)
    period: Time
    source: str


class AnyProcess(Model):
    """What is common to processes."""

    @property
    def weighted(self) -> str:
        """Return the name of what gives events weights of their own, "" if nothing does."""
        return ""

    def of_mass(self, mass: float) -> Self | None:
        """Return the same with another mass (GeV) of the new particle, None where there is none."""
        del mass
        return None


class MuonRegion(Model):
    """Muons above an energy that leave within an angle of the electron."""

    min_muon_energy: Energy = Field(gt=0)
    max_angle: Angle = Field(gt=0, le=1.5)

    @model_validator(mode="after")
    def _possible(self) -> MuonRegion:
        _check_muon_energy(self.min_muon_energy)
        return self


class Importance(MuonRegion):
    """A region of muons that gets a `share` of the events beside what it has of all; weights make up for it."""

    share: Number = Field(gt=0, lt=1)


class SignalProcess(AnyProcess):
    """e N -> mu N phi of the shower's electrons, positrons or both (`leptons`) above `threshold`.

    The muons are those of the whole phase space, unless `min_muon_energy` or `max_angle` leaves some out: such events carry the
    share of the rest as their weight. With `importance` the events of a region are drawn more often.
    """

    kind: Literal["signal"]
    m_phi: Energy = Field(gt=0)
    coupling: Number = Field(gt=0)
    threshold: Energy = Field(gt=0)
    leptons: tuple[Literal["e-", "e+"], ...] = ("e-",)
    min_muon_energy: Energy | None = Field(default=None, gt=0)
    max_angle: Angle | None = Field(default=None, gt=0, le=1.5)
    importance: Importance | None = None

    @model_validator(mode="after")
    def _possible(self) -> SignalProcess:
        if not self.leptons or len(set(self.leptons)) < len(self.leptons):
            msg = "leptons lists e-, e+ or both"
            raise ValueError(msg)
        if self.min_muon_energy is not None:
            _check_muon_energy(self.min_muon_energy)
        if self.importance is not None and (self.min_muon_energy is not None or self.max_angle is not None):
            msg = "importance is for the whole phase space: without min_muon_energy and max_angle beside it"
            raise ValueError(msg)
        return self

    @property
    def weighted(self) -> str:
        """`importance`."""
        return "importance" if self.importance is not None else ""

    def of_mass(self, mass: float) -> SignalProcess:
        """Return the same with another mass (GeV)."""
        return self.model_copy(update={"m_phi": mass})


def _check_muon_energy(energy: float) -> None:
    if energy < MUON_MASS:
        msg = "min_muon_energy is below the muon mass"
        raise ValueError(msg)


def _number(value: Any) -> Any:
    """Return the number that a text is, or the text."""
    try:
        return float(value)
    except ValueError:
        return value


class ModelProcess(AnyProcess):
    """A new particle of a model (`emiss.samples.models`), made in the target or in the part that is named.

    X has at least the energy `threshold`. It decays in `channel`; where that is seen, on its way, or with `between` somewhere
    between two z: such events carry the probability to decay there as their weight. The rate is that at `coupling`, with the
    share of the channel.
    """

    kind: Literal["model"]
    model: str
    parameters: dict[str, Annotated[float | str, BeforeValidator(_number)]] = Field(default_factory=dict)
    mass: Energy = Field(gt=0)
    coupling: Number = Field(gt=0)
    threshold: Energy = Field(gt=0)
    channel: str = "invisible"
    between: tuple[Length, Length] | None = None
    target: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> ModelProcess:
        if self.between is not None and not self.between[0] < self.between[1]:
            msg = "between is [first, last] z of decays, in their order"
            raise ValueError(msg)
        if self.between is not None and self.channel == "invisible":
            msg = "invisible decays have no place: between needs a channel that is seen"
            raise ValueError(msg)
        return self

    @property
    def weighted(self) -> str:
        """`between`."""
        return "between" if self.between is not None else ""

    def of_mass(self, mass: float) -> ModelProcess:
        """Return the same with another mass (GeV)."""
        return self.model_copy(update={"mass": mass})


class DimuonProcess(AnyProcess):
    """gamma -> mu+ mu- of the shower's photons above `threshold`, `rate` of them per electron on target."""

    kind: Literal["dimuon"]
    threshold: Energy = Field(gt=0)
    rate: Number = Field(gt=0)


class DecayProcess(AnyProcess):
    """Decays of beam hadrons between the SRD and the ECAL, or from `begin` to `end`; the factors give the rate per electron.

    `modes` are ``two-body`` (h- -> mu- anti-nu), ``muon`` (all with a muon: K_mu3, too), or ``all``; `branching_ratio` is
    that of all of them together.
    """

    kind: Literal["decay"]
    hadron: Literal["pion", "kaon"]
    modes: Literal["two-body", "muon", "all"] = "two-body"
    begin: Length | None = None
    end: Length | None = None
    pions_per_electron: Number = Field(gt=0)
    kaons_per_pion: Number = Field(gt=0)
    srd_factor: Number = Field(gt=0, le=1)
    decay_probability: Number = Field(gt=0, le=1)
    branching_ratio: Number = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _of_the_modes(self) -> DecayProcess:
        two, three = (PION_SHARES[0], 0.0) if self.hadron == "pion" else (KAON_SHARES[0], KAON_SHARES[4])
        expected = {"two-body": two, "muon": two + three, "all": 1.0}[self.modes]
        if abs(self.branching_ratio / expected - 1.0) > SAME_RATIO:
            said = f"the branching_ratio of the modes '{self.modes}' of the {self.hadron}"
            msg = f"{said} is {expected:.4g}, not {self.branching_ratio:g}"
            raise ValueError(msg)
        return self

    @property
    def rate(self) -> float:
        """Decays per electron on target, all factors included."""
        hadrons = self.pions_per_electron * (self.kaons_per_pion if self.hadron == "kaon" else 1.0)
        return hadrons * self.srd_factor * self.decay_probability * self.branching_ratio


class BeamProcess(AnyProcess):
    """Beam electrons and nothing else."""

    kind: Literal["beam"]


class EmptyProcess(AnyProcess):
    """No beam particle, as random triggers find it; others come where the beam has `pile_up`."""

    kind: Literal["empty"]


class LedProcess(EmptyProcess):
    """Light of LEDs in all channels of cells and no beam particle: events of the type calibration.

    Attributes
    ----------
    light : float
        Charge of a pulse over the largest that fits into the range of the digitiser, with the gain that the constants give.
    flicker : float
        rms by which the light of all channels differs from one event to the next, relative.
    spread : float
        rms of the light of one channel besides, relative.
    """

    kind: Literal["led"]  # type: ignore[assignment]
    light: Annotated[Number, Field(gt=0, lt=1)] = 0.3
    flicker: Annotated[Number, Field(ge=0, le=0.5)] = 0.0
    spread: Annotated[Number, Field(ge=0, le=0.5)] = 0.03


class MuonProcess(AnyProcess):
    """Single muons with a flat momentum spectrum that begin at `z`, with the beam's position and slope."""

    kind: Literal["muon"]
    momentum: tuple[Energy, Energy]
    charges: tuple[int, ...] = (-1,)
    z: Length

    @model_validator(mode="after")
    def _ordered(self) -> MuonProcess:
        if not 0 < self.momentum[0] <= self.momentum[1]:
            msg = "momentum is [lowest, highest], both above zero"
            raise ValueError(msg)
        if not self.charges or not set(self.charges) <= {-1, 1}:
            msg = "charges lists -1, 1 or both"
            raise ValueError(msg)
        return self


Process = Annotated[
    SignalProcess | ModelProcess | DimuonProcess | DecayProcess | BeamProcess | EmptyProcess | LedProcess | MuonProcess,
    Field(discriminator="kind"),
]


class Response(Model):
    """Numbers of the fast detector response that the detector file has no place for.

    All are illustrative unless the text says otherwise.

    Attributes
    ----------
    light_yield : float
        Photoelectrons per MIP and photomultiplier of the VETO.
    attenuation : float
        Attenuation length of the VETO panels.
    srd_time, ecal_time : float
        rms of the time relative to S0 after calibration: 1.0 ns and 1.3 ns, read from the collaboration's public data.
    veto_time, hcal_time, counter_time, tracker_time : float
        The same for the others; the tracker's is relative to the beam particle.
    clock_phase : float
        S0 comes at random within this time, as the digitisers' clock does not know the beam: one sample.
    cluster_charge : float
        Most probable charge of a muon in a Micromegas view, ADC.
    cluster_landau : float
        Its Moyal width over the most probable value.
    cluster_sharing : float
        rms of the logarithm by which the charge in a view differs from what both views of a chamber share.
    plane_scattering : str
        Multiple scattering in the Micromegas: ``highland`` (Gaussian) or ``moliere`` (with single collisions).
    """

    light_yield: Number = 100.0
    attenuation: Length = 2000.0
    srd_time: Time = 1.0
    ecal_time: Time = 1.3
    veto_time: Time = 1.0
    hcal_time: Time = 1.5
    counter_time: Time = 0.5
    tracker_time: Time = 5.0
    clock_phase: Time = 12.5
    cluster_charge: Number = 400.0
    cluster_landau: Number = 0.2
    cluster_sharing: Number = 0.15
    plane_scattering: Literal["highland", "moliere"] = "highland"


class Digitisation(Model):
    """What the front end makes of hits in the raw tier. All are illustrative.

    Attributes
    ----------
    zero_suppression : float, optional
        Waveforms whose largest sample is less than so many sigma of the noise above the pedestal are not written. Without a
        number 7, and none is left out with `all_channels`.
    all_channels : bool
        Channels without a hit have their noise, too: those of waveforms and of strips (latch-all).
    jitter : float
        rms by which a sample is taken late or early; the channels of a digitiser share its clock.
    drift : float
        rms by which the pedestal of a waveform differs from that of the conditions, ADC.
    cross_talk : float
        Part of a pulse that is seen in the channels before and behind its own among those of a board.
    dead, hot : tuple of str
        Channels of cells that see nothing, and that are noisy in every event, by name; `*` stands for anything. Those of
        trackers are in the conditions (`apv.status`, `tdc.status`).
    hot_noise : float
        Noise of hot channels, of cells and of strips, over that of the conditions.
    noisy_hits : float
        Mean number of hits of a noisy wire of a TDC in the range of an event.
    strip_threshold : float
        Strips whose largest sample is below so many sigma of the noise are not written.
    strip_spread : float
        rms of the charge around a point.
    """

    zero_suppression: Annotated[Number, Field(ge=0)] | None = None
    all_channels: bool = False
    jitter: Annotated[Time, Field(ge=0, le=100)] = 0.0
    drift: Annotated[Number, Field(ge=0, le=65535)] = 0.0
    cross_talk: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    dead: Annotated[tuple[str, ...], BeforeValidator(names)] = ()
    hot: Annotated[tuple[str, ...], BeforeValidator(names)] = ()
    hot_noise: Annotated[Number, Field(gt=0, le=1e4)] = 20.0
    noisy_hits: Annotated[Number, Field(ge=0, le=100)] = 1.0
    strip_threshold: Annotated[Number, Field(ge=0)] = 4.0
    strip_spread: Annotated[Length, Field(gt=0)] = 0.2

    @property
    def suppression(self) -> float:
        """Sigma above the pedestal that a waveform has to be at; minus infinity where all are written."""
        if self.zero_suppression is None:
            return -math.inf if self.all_channels else SUPPRESSED
        return self.zero_suppression or -math.inf


class Sample(Model):
    """One sample: a process in a set-up, with the run number and the seed that make it reproducible."""

    name: str
    role: Literal["signal", "background", "control"]
    run: int = Field(gt=0, lt=1 << 31)
    seed: int = Field(ge=0)
    events: int = Field(gt=0)
    detector: str
    calib: str
    beam: Beam
    spill: Spill
    process: Process
    response: Response = Response()
    digitisation: Digitisation = Digitisation()
    tagging: Tagging = Tagging()
    trigger: Required | None = None
    splitting: Splitting | None = None
    _document: Document | None = PrivateAttr(default=None)

    @property
    def weighted(self) -> str | None:
        """What gives the events weights of their own, if anything does: the key in the file."""
        return self.process.weighted or (None if self.splitting is None else "splitting")

    def with_mass(self, mass: float) -> Sample:
        """Return this signal sample with another mass (GeV) of phi or X, and a name that tells it.

        Raises
        ------
        UserError
            If the process is no signal.
        """
        process = self.process.of_mass(mass)
        if process is None:
            raise UserError(f"sample '{self.name}' is no signal: its process is '{self.process.kind}'")
        changed = self.model_copy(update={"process": process, "name": f"{self.name}_{mass:g}GeV"})
        return changed.of(self._document) if self._document else changed

    def with_detector(self, name: str) -> Sample:
        """Return this sample with another set-up (a name that ships, or a path), its beam's energy and its constants.

        Raises
        ------
        UserError
            If there is no such set-up, its file is not right, or its beam is of another particle than the composition of this
            sample is for the most part. A control may have a beam of its own: calibrations take muons and hadrons, too.
        """
        loaded = load_detector(name)
        main = max(self.beam.composition, key=self.beam.composition.__getitem__, default=loaded.beam.particle)
        if main != loaded.beam.particle and self.role != "control":
            raise UserError(
                f"the beam of sample '{self.name}' is {main} for the most part, that of {loaded.name} {loaded.beam.particle}",
                hint="take a sample without 'composition', or with one of that beam",
            )
        beam = self.beam.model_copy(update={"energy": loaded.beam.energy})
        changes = {"detector": str(loaded.file.resolve()), "calib": str(Path(constants_of(name))), "beam": beam}
        changed = self.model_copy(update=changes)
        return changed.of(self._document) if self._document else changed

    def with_run(self, run: int) -> Sample:
        """Return this sample with another run number."""
        changed = self.model_copy(update={"run": run})
        return changed.of(self._document) if self._document else changed

    @property
    def document(self) -> Document | None:
        """The YAML this was read from, for provenance and messages."""
        return self._document

    @property
    def folder(self) -> Path | None:
        """The folder of the sample's file; names in it are looked up from there."""
        return self._document.path.parent if self._document else None

    def of(self, document: Document) -> Sample:
        """Return this sample with the document it was read from."""
        self._document = document
        return self


def load_sample(name: str | Path, *, near: Path | None = None) -> Sample:
    """Return the sample of a file, or of a name that ships (such as ``signal``).

    Raises
    ------
    UserError
        If there is none, or the file is not right; with file, line and column.
    """
    document = loader.load(loader.find("samples", name, near=near))
    return loader.validate(document, Sample).of(document)
