"""`check`: what is wrong with files and configs: each by itself, and the analyses among them with the rest.

An analysis is checked against the columns of all that is given with it: event tables, run lists, run files, foreign files.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.check.against import DETECTOR, Around, declared
from emiss.check.kinds import recognise
from emiss.configs import loader, overlay
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.selection import blinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emiss.check.kinds import Given
    from emiss.selection import Analysis


@dataclass
class Checked:
    """What a check found: one line per good thing, warnings, mistakes."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)


def check(paths: Sequence[Path], *, detector: str | None = None, reader: str | None = None) -> Checked:
    """Check files and configs.

    Parameters
    ----------
    paths : sequence of Path
        Run files, event tables (also folders of them), foreign files, YAML files, conditions.
    detector, reader : str, optional
        What run files and analyses are checked for; a map among `paths` is the reader of the foreign files among them.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _Check(detector, reader, Path(folder)).all(paths)


class _Check:
    def __init__(self, detector: str | None, reader: str | None, folder: Path) -> None:
        self.folder = folder
        self.around = Around(detector, None if reader is None else loader.find("readers", reader))
        self.out = Checked()
        self.kinds: dict[str, Callable[[Given], str]] = {
            "folder": self.around.add_folder,
            "stored": self.around.add_stored,
            "run": self.around.add_run,
            "runlist": self._runlist,
            "analysis": self._analysis,
            "map": _map,
            "sample": _sample,
            "detector": _detector,
            "conditions": self._conditions,
            "register": _register,
            "search": _search,
            "figure": _figure,
            "budget": _budget,
            "periods": _periods,
            "monitor": self._monitor,
        }

    def all(self, paths: Iterable[Path]) -> Checked:
        given = [one for path in paths if (one := self._attempt(lambda path=path: recognise(path))) is not None]  # type: ignore[misc]
        maps = [one.path for one in given if one.kind == "map"]
        if self.around.reader is None and len(maps) == 1:
            self.around.reader = maps[0]
        said: dict[int, str | None] = {}
        # analyses last: they are checked against the rest
        for number, one in sorted(enumerate(given), key=lambda item: item[1].kind == "analysis"):
            said[number] = self._attempt(lambda one=one: self.kinds[one.kind](one))  # type: ignore[misc]
        self.out.lines = [f"{one.path}: {said[i]}" for i, one in enumerate(given) if said[i] is not None]
        return self.out

    def _attempt(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except UserError as error:
            self.out.problems.add(error)
            return None

    def _runlist(self, one: Given) -> str:
        from emiss import runlist
        from emiss.job.plan import plan

        assert one.document is not None  # noqa: S101 - it is a YAML file
        entry = loader.validate(one.document, runlist.RunListFile)
        self.around.roles.update((name, sample.role) for name, sample in entry.samples.items())
        try:
            runs = runlist.load(one.path)
        except UserError:
            # analyses can be checked against it even so, where only its files are missing
            self.around.columns |= declared(entry, one.path.parent)
            raise
        self.around.runlists.append((one.path, runs))
        job = plan(runs, self.folder)
        entries = sum(task.stop - task.start for task in job.tasks if task.sample.name not in job.hidden)
        blinded = f" and those of {', '.join(job.hidden)} (blinded)" if job.hidden else ""
        return f"run list, {len(runs.samples)} samples, {len(job.inputs)} files, {entries} entries{blinded}"

    def _analysis(self, one: Given) -> str:
        from emiss.selection.analysis.read import survey
        from emiss.selection.binding.cuts import bind, mistakes

        assert one.document is not None  # noqa: S101 - it is a YAML file
        analysis, found = survey(one.document)
        part = not any(analysis.regions.values()) and not analysis.histograms and not one.names_analysis
        against = self.around.fitting(analysis)
        for what, known in against.items():
            try:
                for error in mistakes(analysis, known.columns, absent=known.absent) if found.errors else ():
                    found.add(error)
                if not found.errors:
                    bind(analysis, known.columns, part=part, absent=known.absent)
            except UserError as error:
                found.add(error)
            if found.errors and len(against) > 1:
                self.out.warnings.append(f"{one.path} does not fit the columns of {what}")
        self._blind(analysis, one.path, found)
        self._with_runlists(one.path, found)
        # run lists name the same file by another path
        distinct = {(_order(error)[1:], error.message): error for error in reversed(found.errors)}.values()
        Problems(sorted(distinct, key=_order)).check()
        said = f"analysis '{analysis.name}', {len(analysis.cuts)} cuts" if not part else "part of an analysis"
        if self.around.runlists or against:
            return f"{said} (fits the columns of {', '.join([*against, *(str(path) for path, _ in self.around.runlists)])})"
        return f"{said} (its columns were not looked at: give a table or a run list with it)"

    def _conditions(self, one: Given) -> str:
        from emiss.calib.conditions import Conditions
        from emiss.calib.suspects import suspicious

        found = Conditions.load(one.path)
        self.out.warnings += [*found.remarks, *map(str, suspicious(found))]
        kind = "snapshot" if found.files is not None and found.files.snapshot else "conditions"
        return f"{kind}, {len(found.tables)} tables"

    def _monitor(self, one: Given) -> str:
        from emiss.monitor.quantities import columns
        from emiss.monitor.rules import bind
        from emiss.reco.detector.model import load_detector

        assert one.document is not None  # noqa: S101 - it is a YAML file
        detector = load_detector(self.around.detector or DETECTOR)
        rules = bind(one.document, columns(detector.channels, detector.plane_names, ()))
        left = f"; not checked without what they are about: {', '.join(rules.left_out)}" if rules.left_out else ""
        return f"monitor '{rules.name}', {len(rules.rules)} alarms (on the channels of {detector.name}){left}"

    def _blind(self, analysis: Analysis, path: Path, problems: Problems) -> None:
        """Check the names under `blind` as far as samples are known."""
        from emiss.job.tables import samples_beside

        if not self.around.roles:
            for name in blinding.unknown(analysis, blinding.ROLES):
                hint = did_you_mean(name.value, blinding.ROLES, otherwise="roles are")
                self.out.warnings.append(
                    f"{path}: blind: '{name.value}' is no role ({hint}); give the run list or tables with it to know whether "
                    "a sample is called so"
                )
            return
        try:
            blinding.check(
                analysis, self.around.roles, (), unblind=False, elsewhere=lambda: samples_beside(self.around.tables)
            )
        except UserError as error:
            problems.add(error)

    def _with_runlists(self, path: Path, problems: Problems) -> None:
        """Plan the jobs of the run lists with the analysis in the place of theirs."""
        from emiss.job.plan import plan

        for _, runs in self.around.runlists:
            own = loader.find("analyses", runs.analysis, near=runs.near)
            if own.resolve() != path.resolve():
                try:
                    plan(replace(runs, analysis=str(path.resolve())), self.folder)
                except UserError as error:
                    problems.add(error)


def _map(one: Given) -> str:
    from emiss.reco.readers.foreign.schema import ReaderMap

    assert one.document is not None  # noqa: S101 - it is a YAML file
    read = loader.validate(one.document, ReaderMap)
    return f"map '{read.reader}', {len(read.columns)} columns (checked against a file where one is given)"


def _sample(one: Given) -> str:
    from emiss.samples.config import Sample

    assert one.document is not None  # noqa: S101 - it is a YAML file
    sample = loader.validate(one.document, Sample).of(one.document)
    if sample.trigger or sample.splitting or sample.digitisation.dead or sample.digitisation.hot:
        from emiss.reco.detector.model import load_detector
        from emiss.samples import digitise, splitting, trigger
        from emiss.samples.setup import SetUp

        detector = load_detector(sample.detector, near=sample.folder)
        trigger.check(sample, detector)
        digitise.check(sample, detector)
        splitting.check(sample, SetUp(detector))
    return f"sample '{sample.name}', {sample.events} events"


def _detector(one: Given) -> str:
    from emiss.reco.detector.model import load_detector
    from emiss.reco.detector.wiring import unmapped
    from emiss.reco.pipeline import stages_of

    loaded = load_detector(one.path)
    stages_of(loaded)
    document, _ = overlay.load("detectors", one.path)
    problems = Problems()
    for path, message in unmapped(loaded):
        problems.add(document.error(message, path, key=True))
    problems.check()
    fields = (f", {arm.name} {arm.field.integral * 1e-3:.3g} T m" for arm in loaded.arms.values() if arm.name)
    told = f"detector '{loaded.name}', {len(loaded.channels)} channels, {len(loaded.planes)} planes{''.join(fields)}"
    if not loaded.channel_maps_path.exists():
        told += f"; without channel maps ({loaded.maps}) it reads simulated hits only"
    return told


def _register(one: Given) -> str:
    from emiss.calib.register import load_register

    return f"register of runs, {len(load_register(one.path).kinds)} kinds"


def _order(error: UserError) -> tuple[str, int, int]:
    return (error.at.file, error.at.line, error.at.column) if error.at is not None else ("", 0, 0)


def _figure(one: Given) -> str:
    from emiss.plot.wanted import load_figure

    file = load_figure(one.path)
    return f"figure '{file.figure}', {len(file.panels)} panels"


def _search(one: Given) -> str:
    from emiss.programme.checking import check_search

    return check_search(one.path)


def _budget(one: Given) -> str:
    from emiss.reach.budgets import load_budget

    written = load_budget(one.path)
    found = written.total()
    return f"budget, {len(written.entries)} entries, {found.value:.3g} +- {found.error:.2g} per particle on target"


def _periods(one: Given) -> str:
    from emiss.programme.periods import load_periods

    known = load_periods(one.path)
    return f"periods, {len(known.periods)} of the modes {', '.join(known.modes)}, {len(known.sums)} sums"
