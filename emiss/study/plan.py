"""Planning of a study: what can be known before the first event is made, and the pieces of work that follow from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from emiss import selection
from emiss.configs.errors import Location, Problems, UserError
from emiss.events.columns import Column
from emiss.events.provenance import code_of, text_hash
from emiss.job.absent import from_detector
from emiss.job.task import TASK_ENTRIES
from emiss.reco.pipeline import Pipeline
from emiss.samples.simulate import BLOCK, Simulation
from emiss.samples.truth import MEANINGS
from emiss.selection import blinding
from emiss.study.work import Piece, StudySample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.samples.config import Sample
    from emiss.selection import Analysis
    from emiss.selection.counting.engine import Bound

ROLES = {"control": "data"}
"""Roles of samples that a cutflow calls by another name."""


class Asked(NamedTuple):
    """A sample that is asked for; where nothing is said, events and seed are those of its file."""

    sample: Sample
    events: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Study:
    """A planned study.

    Attributes
    ----------
    analysis : Analysis
    samples : tuple of StudySample
    pieces : tuple of Piece
        In their order, those of a sample one after the other.
    bounds : tuple of Bound
        The analysis on the columns of each sample.
    configs : mapping of file to text
    constants : tuple of mapping
        The tags of the samples' constants.
    payloads : tuple of str
        Ids of the constants.
    overrides : mapping of parameter to value
    unblind : bool
    key : str
        What names its results: samples, seeds, events, set-ups, constants, cuts, code.
    """

    analysis: Analysis
    samples: tuple[StudySample, ...]
    pieces: tuple[Piece, ...]
    bounds: tuple[Bound, ...]
    configs: Mapping[str, str]
    payloads: tuple[str, ...]
    constants: tuple[Mapping[str, Any], ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    unblind: bool = False
    key: str = ""

    @property
    def events(self) -> int:
        """Of all samples."""
        return sum(sample.events for sample in self.samples)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The samples of which events are hidden."""
        if self.unblind:
            return ()
        return tuple(s.name for s in self.samples if blinding.is_hidden(self.analysis, s.name, s.role))


class _SetUp(NamedTuple):
    """What samples of one set-up, with one set of constants, share."""

    columns: Mapping[str, Column]
    bound: Bound
    configs: Mapping[str, str]
    payloads: tuple[str, ...]
    constants: Mapping[str, Any]


def plan(
    analysis: Analysis,
    asked: Sequence[Asked],
    *,
    overrides: Mapping[str, str] | None = None,
    unblind: bool = False,
    piece: int = TASK_ENTRIES,
) -> Study:
    """Check everything that a study needs and return its pieces.

    Parameters
    ----------
    analysis : Analysis
    asked : sequence of Asked
    overrides : mapping, optional
        Parameters that were set on the command line, for the provenance.
    unblind : bool
        Whether the box of blinded samples is opened.
    piece : int
        Events of a piece, a multiple of `BLOCK`. With as many as a task of `emiss process` has entries, also the sums of
        weights are the same to the last bit as those of a job.

    Raises
    ------
    UserError
        All mistakes that can be found without making events.
    """
    if piece % BLOCK or piece < BLOCK:
        msg = f"a piece of {piece} events is none of whole blocks of {BLOCK}"
        raise ValueError(msg)
    problems, known = Problems(), dict[str, _SetUp]()
    samples: list[StudySample] = []
    bounds: list[Bound] = []
    for one in asked:
        try:
            if one.sample.name in {sample.name for sample in samples}:
                raise UserError(f"two samples are called '{one.sample.name}'", hint="give one of them another name")
            setup = _set_up(analysis, one.sample, known)
        except UserError as error:
            problems.add(error)
            continue
        samples.append(_sample(one, setup))
        bounds.append(setup.bound)
    problems.check()
    if not samples:
        raise UserError("no sample given", hint="emiss study e_to_mu_phi signal dimuon")
    blinding.check(analysis, {sample.name: sample.role for sample in samples}, overrides or {}, unblind=unblind)
    texts = {name: text for setup in known.values() for name, text in setup.configs.items()}
    documents = [document for one in asked if (document := one.sample.document) is not None]
    about = {
        "samples": [[sample.name, sample.role, sample.identity, sample.events] for sample in samples],
        "cuts": {name: text_hash(text) for name, text in analysis.source_texts.items()},
        "overrides": dict(overrides or {}),
        "unblind": unblind,
        "piece": piece,
        "code": code_of("selection"),
    }
    return Study(
        analysis=analysis,
        samples=tuple(samples),
        pieces=tuple(_pieces(samples, piece)),
        bounds=tuple(bounds),
        configs={**{document.name: document.text for document in documents}, **texts, **analysis.source_texts},
        payloads=tuple(sorted({payload for setup in known.values() for payload in setup.payloads})),
        constants=tuple(setup.constants for setup in known.values()),
        overrides=dict(overrides or {}),
        unblind=unblind,
        key=text_hash(json.dumps(about, sort_keys=True)),
    )


def _set_up(analysis: Analysis, sample: Sample, known: dict[str, _SetUp]) -> _SetUp:
    """Return what the samples of a set-up share, after a look whether constants and cuts fit it."""
    key = json.dumps([str(sample.folder), sample.detector, sample.calib, sample.run])
    if key not in known:
        simulation = Simulation(sample)
        pipeline = Pipeline(simulation.detector, simulation.constants)
        pipeline.check([sample.run], "hits")
        # of which types the truth is, the simulation knows when it runs
        truth = {f"truth.{n}": Column(f"truth.{n}", "f8", unit, meaning) for n, (unit, meaning) in MEANINGS.items()}
        columns = pipeline.columns() | truth
        known[key] = _SetUp(
            columns,
            selection.bind(analysis, columns, absent=from_detector(simulation.detector, columns)),
            simulation.detector.texts,
            tuple(simulation.conditions.payloads),
            simulation.constants.about(simulation.conditions.payloads),
        )
    return known[key]


def _sample(asked: Asked, setup: _SetUp) -> StudySample:
    sample = asked.sample
    events = sample.events if asked.events is None else asked.events
    seed = sample.seed if asked.seed is None else asked.seed
    if events < 1:
        raise UserError(f"{events} events of sample '{sample.name}'", at=Location(sample.name))
    made_of = {
        "sample": sample.model_dump(mode="json", exclude={"name", "role", "events", "seed", "detector", "calib"}),
        "seed": seed,
        "configs": {name: text_hash(text) for name, text in setup.configs.items()},
        "payloads": setup.payloads,
        "code": code_of("calib", "configs", "events", "physics", "reco", "samples"),
    }
    identity = f"simulated:{text_hash(json.dumps(made_of, sort_keys=True))}"
    role = ROLES.get(sample.role, sample.role)
    return StudySample(sample, role, events, seed, identity)


def _pieces(samples: Sequence[StudySample], size: int) -> list[Piece]:
    pieces: list[Piece] = []
    for position, sample in enumerate(samples):
        for start in range(0, sample.events, size):
            stop = min(start + size, sample.events)
            pieces.append(Piece(len(pieces), position, sample.name, start, stop, sample.events))
    return pieces


def inputs_of(study: Study) -> list[dict[str, Any]]:
    """Return the samples as the provenance names them."""
    return [
        {
            "path": f"sample {sample.name}, seed {sample.seed}",
            "identity": sample.identity,
            "entries": [[0, sample.events]],
            "sample": sample.name,
            "seed": sample.seed,
        }
        for sample in study.samples
    ]
