"""``configs/searches/*.yaml``: a search as data, its set-up, models, selection, places of decay, background, periods and plane.

What is here is all that tells one search from another: no code asks for the name of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from emiss.configs import loader
from emiss.configs.document import Document
from emiss.configs.errors import Problems, UserError
from emiss.configs.schema import Energy, Model, Number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.physics.processes.base import Model as NewParticle

Positive = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
Mass = Annotated[Energy, Field(gt=0, le=1e3)]
End = Annotated[str, Field(pattern=r"^\S+ (front|back)$")]
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


class SearchBeam(Model):
    """Particle and energy of the beam, where they are not those of the set-up."""

    particle: str
    energy: Mass


class SearchTarget(Model):
    """What the beam comes to, where it is not the set-up's target.

    Attributes
    ----------
    part : str
        A part of the set-up, its elements as one homogeneous matter.
    material : str
        A pure material instead, of so many `radiation_lengths`.
    """

    part: str = ""
    material: str = ""
    radiation_lengths: Positive = 40.0

    @model_validator(mode="after")
    def _one_of_both(self) -> SearchTarget:
        if bool(self.part) == bool(self.material):
            msg = "a target is a 'part' of the set-up, or a 'material'"
            raise ValueError(msg)
        return self


class Signature(Model):
    """How the signal is seen: a region of the analysis, what the particle decays to, and where.

    Without a place it does not matter where it decays. With one the decays between the two ends count, and behind the first
    where there is no second, those that never happen included. Signatures of a search must not overlap: their events are added.

    Attributes
    ----------
    region : str
        Of the analysis; empty for its first.
    channels : tuple of str
        Decays that count, as the model names them; all of them where nothing is said.
    after, before : str, optional
        Ends such as ``HCAL0 back``: an element of the set-up and which of its faces.
    """

    region: str = ""
    channels: tuple[str, ...] = ()
    after: End | None = None
    before: End | None = None

    @model_validator(mode="after")
    def _begins(self) -> Signature:
        if self.before is not None and self.after is None:
            msg = "'before' needs 'after': where decays begin to count"
            raise ValueError(msg)
        return self


class Case(Model):
    """One curve of a search: a model with its parameters.

    Attributes
    ----------
    model : str
        Of `emiss.samples.models`.
    parameters : mapping
        Of the model, where they are not its defaults.
    masses : tuple of float
        Instead of those of the search, GeV.
    signatures : tuple of Signature
        Instead of those of the search.
    """

    model: str
    parameters: dict[str, str] = Field(default_factory=dict)
    masses: tuple[Mass, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def given(self) -> Mapping[str, float | str]:
        """The parameters, those that are numbers as numbers."""
        import re

        return {name: float(text) if re.match(NUMBER, text) else text for name, text in self.parameters.items()}


class SearchPlane(Model):
    """Where limits are searched for, and how the axes are called.

    Attributes
    ----------
    low, high : float
        Range of the coupling.
    reference : float
        Coupling at which numbers of events are told.
    particle : str
        Of the axis of masses.
    symbol : str
        Of the axis of couplings, where it is not that of the model.
    """

    low: Positive
    high: Positive
    reference: Positive
    particle: str = "X"
    symbol: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> SearchPlane:
        if not self.low < self.high:
            context = {"low": self.low, "high": self.high, "at": ("high",)}
            raise PydanticCustomError("range", "the range of couplings is empty: from {low} to {high}", context)
        return self


class Thermal(Model):
    """Limits also on y = coupling^2 alpha_D (m_chi/m)^4: which parameters of the model are alpha_D and m/m_chi."""

    alpha_d: str
    ratio: str


class Shown(Model):
    """What ``emiss run`` shows of a search.

    Attributes
    ----------
    masses : tuple of float
        A few of the search, GeV: a sample of the signal at each of them.
    backgrounds : tuple of str
        Samples of what can be simulated, in the search's set-ups.
    """

    masses: tuple[Mass, ...] = ()
    backgrounds: tuple[str, ...] = ()


class SearchFile(Model):
    """A search as written.

    Attributes
    ----------
    search, title : str
    setup : str
        Where no period names one; with `one_setup` in the place of those that periods name.
    projection : bool
        No observation of the periods is one of this search: what was seen there was seen with other cuts.
    beam : SearchBeam, optional
    target : SearchTarget, optional
    cases : mapping of name to Case
        Curves; the first one is that of the search, the others stand beside it.
    threshold, threshold_share : float
        Lowest energy of the new particle that is counted, GeV, or as a share of the energy of the beam.
    analysis : str
    set : mapping of set-up to mapping of parameter to value
        Parameters of the analysis in some set-ups.
    sample : str
        Whose beam, spill and response the simulated signal has; the process is that of the case.
    signatures : tuple of Signature
    run : Shown
        A few masses and the samples of backgrounds for ``emiss run``.
    background : str
        A budget that ships, a file, or events per particle on target; empty for none.
    periods : str
        Of `periods_file`, where nothing else is asked for; `take` names the readings.
    moments : mapping of lepton to names
        Differences of its magnetic moment whose bands are drawn for the first case (`emiss.programme.search_lines`).
    """

    search: str
    title: str
    setup: str
    one_setup: bool = False
    projection: bool = False
    beam: SearchBeam | None = None
    target: SearchTarget | None = None
    cases: dict[str, Case] = Field(min_length=1)
    masses: tuple[Mass, ...] = ()
    threshold: Annotated[Energy, Field(gt=0)] | None = None
    threshold_share: Annotated[Number, Field(gt=0, lt=1)] | None = None
    analysis: str
    set: dict[str, dict[str, str]] = Field(default_factory=dict)
    sample: str = "dark_photon"
    signatures: tuple[Signature, ...] = ()
    run: Shown = Field(default_factory=Shown)
    background: str = ""
    periods_file: str = "na64"
    periods: str
    take: tuple[str, ...] = ()
    plane: SearchPlane
    thermal: Thermal | None = None
    moments: dict[Literal["electron", "muon"], tuple[str, ...]] = Field(default_factory=dict)
    source: str = ""
    _document: Document = PrivateAttr(default_factory=lambda: loader.loads("{}", "<search>"))

    @model_validator(mode="after")
    def _has_masses(self) -> SearchFile:
        for name, case in self.cases.items():
            if not (case.masses or self.masses):
                context = {"name": name, "at": ("cases", name)}
                raise PydanticCustomError("masses", "the case '{name}' has no masses, nor has the search", context)
            if not (case.signatures or self.signatures):
                context = {"name": name, "at": ("cases", name)}
                raise PydanticCustomError(
                    "signatures", "the case '{name}' has no signatures, nor has the search", context
                )
        if (self.threshold is None) == (self.threshold_share is None):
            msg = "one of 'threshold' and 'threshold_share' says which energies are counted"
            raise ValueError(msg)
        return self

    def signatures_of(self, case: str) -> tuple[Signature, ...]:
        """Return the signatures of a case."""
        return self.cases[case].signatures or self.signatures

    def lowest(self, energy: float) -> float:
        """Return the lowest energy of the new particle that is counted with a beam of an energy, GeV."""
        return self.threshold if self.threshold is not None else (self.threshold_share or 0.0) * energy

    @property
    def document(self) -> Document:
        """The file it was read from."""
        return self._document

    def of(self, document: Document) -> SearchFile:
        """Return this search with the document it was read from."""
        self._document = document
        return self

    def model(self, case: str) -> NewParticle:
        """Return the model of a case.

        Raises
        ------
        UserError
            If there is none of that name, or a parameter is unknown; at its place.
        """
        from emiss.samples.models import model_of

        written = self.cases[case]
        try:
            return model_of(written.model, written.given)
        except UserError as error:
            raise self._document.error(error.message, ("cases", case, "model"), hint=error.hint) from None


def load_search(name: str | Path) -> SearchFile:
    """Return the search of a file, or of a name that ships (such as ``invisible``).

    Raises
    ------
    UserError
        If there is none, or the file is not right: keys, models and their parameters; with file, line and column.
    """
    document = loader.load(loader.find("searches", name))
    found = loader.validate(document, SearchFile).of(document)
    problems = Problems()
    for case in found.cases:
        try:
            found.model(case)
        except UserError as error:
            problems.add(error)
    problems.check()
    return found
