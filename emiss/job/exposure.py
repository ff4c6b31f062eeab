"""What the events of a sample stand for: particles on target of the sample, of each of its files, and of each task.

There is one definition, from the plan to the result. A sample of N particles on target, whose kept events weigh W together,
gives ``T / N`` times its sum of weights (times `scale`) for T particles on target. The N of a sample is what the user says: a
number, or the sum over the spills of a table; or else the sum of what its files say of themselves. Where the user says it, its
files share it in proportion to the weight of their events, so that the same yield follows from each of them, whatever their
events weigh (1 in raw files, less in simulated ones). A task has the share of its file that it has of the file's kept physics
events, as each of them took the same exposure. What is excluded (bad spills, other runs) stands for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.runlist import read_on_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.job.surveyed import FileSurvey
    from emiss.runlist import ListedSample

ALIKE = 0.02
"""Mean weights, and numbers of particles on target, that differ by more than this relative to each other are told."""


@dataclass(frozen=True)
class Exposure:
    """Particles on target of a sample, None where not known, of each of its files, and what there is to say of them."""

    total: float | None
    files: tuple[float | None, ...]
    remarks: tuple[str, ...] = ()

    def of_chunk(self, file: int, kept: int, of: int) -> float | None:
        """Return what `kept` of the `of` kept events of a file stand for."""
        share = self.files[file]
        return None if share is None else share * (kept / of) if of else 0.0


def exposure_of(sample: ListedSample, files: Sequence[FileSurvey]) -> Exposure:
    """Return the exposure of a sample.

    Raises
    ------
    UserError
        If there is a number of particles on target, but no physics event.
    """
    stored = [file.on_target for file in files]
    own = None if None in stored else sum(part for part in stored if part is not None)
    given = sample.on_target is not None or sample.on_target_table is not None
    if not given and own is None:
        return Exposure(None, (None,) * len(files))
    if not sum(file.physics for file in files):
        raise UserError(f"sample '{sample.name}' has no physics event", at=Location(str(files[0].path)))
    if not given:
        each = [_less_excluded(part or 0.0, file) for part, file in zip(stored, files, strict=True)]
        return Exposure(sum(each) or None, tuple(each))
    if sample.on_target_table is not None:
        spills = {(run, spill) for file in files for run, spill in file.kept_spills.tolist()}
        total = read_on_target(sample.on_target_table, spills)
    else:
        total = (sample.on_target or 0.0) * sum(f.kept for f in files) / sum(f.physics for f in files)
    weights = [file.weight for file in files]
    if min(weights) < 0.0 or sum(weights) <= 0.0:
        weights = [float(file.kept) for file in files]
    whole = sum(weights)
    if not total or not whole:
        return Exposure(None, (None,) * len(files))
    return Exposure(total, tuple(total * (weight / whole) for weight in weights), _remarks(sample, files, own))


def _less_excluded(on_target: float, file: FileSurvey) -> float:
    return on_target * (file.kept / file.physics) if file.physics else 0.0


def _remarks(sample: ListedSample, files: Sequence[FileSurvey], own: float | None) -> tuple[str, ...]:
    """Return what is not wrong but should be known: a number that the files contradict, events of unlike weight."""
    remarks = []
    if own and sample.on_target and abs(own / sample.on_target - 1.0) > ALIKE:
        remarks.append(
            f"sample {sample.name}: {sample.on_target:g} particles on target as the run list says; "
            f"its files say {own:g} of themselves"
        )
    means = {file.path.name: file.weight / file.kept for file in files if file.kept}
    if means and max(means.values()) - min(means.values()) > ALIKE * max(map(abs, means.values())):
        low, high = min(means, key=lambda name: means[name]), max(means, key=lambda name: means[name])
        remarks.append(
            f"sample {sample.name}: events of {low} weigh {means[low]:.3g} on average, those of {high} {means[high]:.3g}; "
            "its files share its particles on target by weight"
        )
    return tuple(remarks)
