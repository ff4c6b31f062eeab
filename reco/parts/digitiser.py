"""Digitisers: how a board samples pulses, what they look like there, and how they are measured; and TDCs, which tell times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from emiss.configs.schema import Model, Number, Time, by_kind
from emiss.reco.parts.quantities import Span


class Pulse(Model):
    """Pulse shape (t/rise) exp(1 - t/rise) and where an in-time pulse starts in the waveform."""

    rise: Span
    start: Annotated[Time, Field(ge=0, le=1e5)]
    source: str


class Measurement(Model):
    """How a pulse is measured: threshold in pedestal sigma, range of the fit in samples around the maximum.

    With `pulses` 2 a second one is looked for in each waveform. What is fitted is the `pulse` of the digitiser or of the part,
    or the `template` of each channel from the conditions.
    """

    threshold: Annotated[Number, Field(gt=0, le=1000)]
    before: int = Field(ge=0, le=510)
    after: int = Field(ge=0, le=510)
    pulses: int = Field(default=1, ge=1, le=2)
    fit: Literal["pulse", "template"] = "pulse"
    source: str


class Digitiser(Model):
    """A sampling ADC: period, samples per waveform, bits per sample."""

    kind: Literal["adc"] = "adc"
    period: Span
    samples: int = Field(gt=0, le=511)
    bits: int = Field(gt=0, le=16)
    pulse: Pulse
    measure: Measurement
    source: str

    @property
    def full_scale(self) -> int:
        """The largest sample."""
        return (1 << self.bits) - 1

    @property
    def length(self) -> float:
        """Of a waveform, ns."""
        return self.samples * self.period

    def room_for(self, pulse: Pulse) -> None:
        """Raise a ValueError if an in-time pulse starts behind the waveform."""
        if pulse.start >= self.length:
            msg = f"a pulse starts at {pulse.start:g} ns, after the waveform of {self.length:g} ns"
            raise ValueError(msg)

    def room_for_fit(self, measure: Measurement) -> None:
        """Raise a ValueError if a fit has more samples than the waveform."""
        if measure.before + 1 + measure.after > self.samples:
            fit = f"{measure.before} + 1 + {measure.after}"
            msg = f"a fit of {fit} samples is longer than the waveform ({self.samples})"
            raise ValueError(msg)

    @model_validator(mode="after")
    def _fits_the_waveform(self) -> Digitiser:
        self.room_for(self.pulse)
        self.room_for_fit(self.measure)
        return self


class Tdc(Model):
    """A time-to-digital converter, of trackers that tell times: a hit is a count, the time since its range began over `bin`.

    A channel takes no hit that comes within `dead_time` of the one before.
    """

    kind: Literal["tdc"]
    bin: Span
    bits: int = Field(gt=0, le=20)
    start: Annotated[Time, Field(ge=0, le=1e6)]
    dead_time: Annotated[Time, Field(ge=0, le=1e5)] = 0.0
    source: str

    @property
    def range(self) -> float:
        """The longest time, ns."""
        return (1 << self.bits) * self.bin

    @model_validator(mode="after")
    def _starts_in_the_range(self) -> Tdc:
        if self.start >= self.range:
            msg = f"the trigger comes at {self.start:g} ns, after the range of {self.range:g} ns"
            raise ValueError(msg)
        return self


AnyDigitiser = Annotated[
    Annotated[Digitiser, Tag("adc")] | Annotated[Tdc, Tag("tdc")], by_kind("digitiser", ("adc", "tdc"), without="adc")
]
