"""Compiling ahead: tiny jobs that need every kernel, so that no command has to wait for the compiler later.

There is no list of kernels here: the jobs call what the commands call, so that the kernels are compiled for the arrays they
will be given. `uncovered` says which ones the jobs do not reach; a test holds it empty.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs import compiled, compiling
from emiss.events.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emiss.events.batch import Batch
    from emiss.events.table import EventTable
    from emiss.selection import Analysis

EVENTS = 60
"""Enough for tracks, pile-up and saturated pulses to be among them."""


def warm_up(*, progress: Callable[[int], None] = lambda _: None) -> int:
    """Compile what is not on disk yet; return how many kernels that were.

    Parameters
    ----------
    progress : callable
        Called with 1 for each of `STEPS` that is done.
    """
    before = compiling.count()
    stamp = _stamp()
    if stamp is not None and _all_there(stamp):
        progress(len(STEPS))
        return 0
    with tempfile.TemporaryDirectory(prefix="emiss-warm-up-") as folder:
        for step in STEPS:
            step(Path(folder))
            progress(1)
    if stamp is not None:
        with suppress(OSError):  # a cache that is only read
            write_text(stamp, json.dumps({path.name: _files(path) for path in _folders()}))
    return compiling.count() - before


def place() -> Path | None:
    """Return the folder in which machine code is kept; None where none can be written."""
    with suppress(OSError):
        return compiled.root()
    return None


def uncovered() -> list[str]:
    """Return the kernels that this process has neither called nor compiled into one that it has called."""
    _import_all()
    waiting = [kernel for kernel in compiled.KERNELS if kernel.signatures]
    reached: set[int] = set()
    while waiting:
        kernel = waiting.pop()
        if id(kernel) not in reached:
            reached.add(id(kernel))
            waiting += _called(kernel)
    return [f"{k.__module__}.{k.py_func.__name__}" for k in compiled.KERNELS if id(k) not in reached]


def _called(kernel: Any) -> Iterator[Any]:
    """Yield the kernels whose names stand in the code of one."""
    known = {id(other) for other in compiled.KERNELS}
    function = kernel.py_func
    inside = [cell.cell_contents for cell in function.__closure__ or ()]
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    yield from (value for value in (*inside, *named) if id(value) in known)


def _import_all() -> None:
    """Import every module that has kernels; by convention their names end with ``_kernels``."""
    import emiss

    for module in pkgutil.walk_packages(emiss.__path__, "emiss."):
        if module.name.endswith("_kernels"):
            importlib.import_module(module.name)


def _stamp() -> Path | None:
    """Return the file that says that all is compiled: it is named by all sources and the compiler."""
    import emiss

    folder = place()
    if folder is None:
        return None
    digest = hashlib.blake2b(compiled.compiler().encode(), digest_size=12)
    for package in emiss.__path__:
        for path in sorted(_sources(Path(package))):
            digest.update(path.read_bytes())
    return folder / f"warm-{digest.hexdigest()}.json"


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__":
            yield from _sources(path)
        elif path.suffix == ".py":
            yield path


def _all_there(stamp: Path) -> bool:
    try:
        said = json.loads(stamp.read_text(encoding="utf-8"))
        return bool(said) and all(_files(stamp.parent / name) >= count for name, count in said.items())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _folders() -> list[Path]:
    found = set()
    for kernel in compiled.KERNELS:
        with suppress(OSError):
            found.add(compiled.folder_of(kernel.py_func))
    return sorted(found)


def _files(folder: Path) -> int:
    return len(list(folder.glob("*.nbc")))


def _raw_run(folder: Path) -> None:
    """Simulate a raw run, with an event twice, read and reconstruct it, and look at its quality."""
    from emiss import reco
    from emiss.reco.calorimetry.waveform import WaveformStage
    from emiss.reco.formats.date.index.events import build
    from emiss.reco.quality.summary import surveys
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    path = simulate(load_sample("signal"), folder / "signal.dat", events=EVENTS)
    data = path.read_bytes()
    index = build(np.frombuffer(data, np.uint8))
    last = int(np.flatnonzero(index.numbered)[-1])
    path.write_bytes(data + data[index.offset[last] : index.offset[last] + index.size[last]])
    run = reco.open(path)
    for _ in run.tables():
        pass
    detector = run.detector
    general = WaveformStage(detector, general=True)  # of set-ups with several digitisers
    general.begin_run(run.conditions.for_run(int(index.run[last])))
    for file in run.files:
        for batch in file.batches():
            general(batch, {})
            _pedestals(batch, len(detector.channels))
        for _ in surveys(file, detector.channels, detector.full_scale, run.conditions):  # type: ignore[arg-type]
            pass


def _pedestals(batch: Batch, channels: int) -> None:
    """Add the waveforms of a batch as the derivation of pedestals does."""
    from emiss.reco.calorimetry import pedestals_kernels

    digits = batch.sadc
    assert digits is not None  # noqa: S101 - the run is raw
    waveforms = digits["samples"], digits["n_samples"], digits["channel"]
    pedestals_kernels.levels(*waveforms, 32, np.zeros((channels, 2, 4096), np.int32))
    pedestals_kernels.quiet(
        digits.offsets, *waveforms, 32, np.full((channels, 2), 100.0), np.ones(channels), 6.0, 4.0, 2,
        np.zeros((2, channels, 2, 48), np.int64), np.zeros((2, channels, 2, 4)), np.zeros((3, channels), np.int64),
    )  # fmt: skip


def _beam_run(folder: Path) -> None:
    """Simulate and reconstruct a raw run of the set-up with spectrometers on both sides."""
    from emiss import reco
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    path = simulate(load_sample("beam_track"), folder / "beam_track.dat", events=EVENTS)
    for _ in reco.open(path, detector="na64e_beam").tables():
        pass


def _simulated_run(folder: Path) -> None:
    """Simulate and reconstruct a run of hits, and apply cuts, in the way that is taken for many events."""
    from emiss import reco, selection
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    path = simulate(load_sample("dimuon"), folder / "dimuon.root", events=EVENTS)
    table = reco.process(reco.open(path))
    analysis = selection.load("e_to_mu_phi")
    selection.run(table, analysis)
    _tuned(table, analysis)


def _profiled_run(folder: Path) -> None:
    """Simulate and reconstruct a run of hits of a set-up that has shower profiles."""
    from emiss import reco
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    sample = load_sample("beam_impure")
    reco.process(reco.open(simulate(sample, folder / "beam.root", events=EVENTS), detector=sample.detector))


def _tuned(table: EventTable, analysis: Analysis) -> None:
    """Look at a table as the page does on which cuts are tuned."""
    from emiss.selection.results.result import columns_of
    from emiss.selection.tuning.live import Live
    from emiss.selection.tuning.opened import open_parameters
    from emiss.selection.tuning.sample import LiveSample

    opened = open_parameters(analysis, columns_of(table))
    live = Live(analysis, {}, {"sample": LiveSample(opened, [table])})
    choice = replace(live.choice(), parameters=analysis.parameters)
    look = live.look("sample", choice)
    live.rows(look, choice)
    for gate in live.gates("sample", choice, dict.fromkeys(opened.knobs, (0.0, 1.0))).values():
        look.intervals(gate)
    for spec in opened.bound.histograms:
        look.filled(spec, live.stages(spec, choice))


def _foreign_waveforms(_folder: Path) -> None:
    """Measure waveforms as those of foreign files are."""
    from emiss.events.lists import Lists
    from emiss.reco.calorimetry.waveform import Settings, measure

    samples = np.full((2, 32), 100, np.uint16)
    samples[0, 8:16] = 400
    columns: dict[str, Any] = {
        "channel": np.zeros(2, np.int64),
        "samples": samples,
        "n_samples": np.full(2, 32, np.uint16),
    }
    constants = {"even": np.full(1, 100.0), "odd": np.full(1, 100.0), "sigma": np.ones(1)}
    measure(Lists(np.array([0, 2]), columns), constants, Settings(12.5, 25.0, 10.0, 4, 8, 4095))


def _templates(_folder: Path) -> None:
    """Fit templates to pulses, and learn from them."""
    from emiss.calib.templates import Template
    from emiss.events.lists import Lists
    from emiss.reco.calorimetry import learning
    from emiss.reco.calorimetry.templates import grid
    from emiss.reco.calorimetry.waveform import Settings, measure_pulses

    late = np.maximum(np.arange(64) * 12.5 / 30.0 - 4.0, 0.0)
    shape = late * np.exp(1.0 - late)
    samples = (100.0 + 900.0 * np.array([shape, shape + np.roll(shape, 4), 0.0 * shape])).astype(np.uint16)
    columns: dict[str, Any] = {
        "channel": np.zeros(3, np.int32),
        "samples": samples,
        "n_samples": np.full(3, 64, np.uint16),
    }
    digits, rows = Lists(np.array([0, 3]), columns), np.arange(3)
    constants = {"even": np.full(1, 100.0), "odd": np.full(1, 100.0), "sigma": np.ones(1)}
    settings = Settings(12.5, 30.0, 7.0, 4, 8, 4095, pulses=2, template=True)
    one, index = Template(np.array([10.0, 100.0]), -50.0, 12.5, np.array([shape, shape])), np.zeros(1, np.int64)
    found = np.empty((3, 2)), np.empty((3, 2)), np.zeros((3, 2), np.uint8), np.empty((3, 2))
    made = grid([one], index, period=12.5, rise=30.0, samples=64)
    measure_pulses(digits, rows, constants, settings, made, found)
    learning.add(digits, rows, constants, settings, None, np.zeros(0), learning.empty(1, 1))


def _showers(_folder: Path) -> None:
    """Simulate showers (what the samples take is integrated)."""
    from emiss.physics.shower.transport import simulate

    simulate(10.0, [5.0, 10.0], [0.0, 1.0], 2, np.random.default_rng(1))


def _residuals(_folder: Path) -> None:
    """Fit a track and take the derivatives of its residuals."""
    from emiss.reco.tracking.derivatives import residuals
    from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks

    spectrometer = Spectrometer.uniform(1.4, (1000.0, 3000.0))
    z = np.array([0.0, 500.0, 3500.0, 4000.0])
    hits = Hits(z, np.zeros((1, 4)), np.zeros((1, 4)), 0.1, 0.1)
    residuals(hits, fit_tracks(hits, spectrometer), spectrometer)


def _straws(_folder: Path) -> None:
    """Map the hits of a TDC, and choose the sides of straws: no set-up of the jobs above has any."""
    from emiss.reco.formats.date.decoding.lookup_kernels import rows_tdc
    from emiss.reco.tracking.sides_kernels import choose

    hits, found = np.zeros((1, 4), np.int32), np.empty((3, 1), np.int32)
    table = np.zeros(1, np.int64)
    rows_tdc(hits, np.ones(1, np.int64), table, table, table, *found)
    choose(np.zeros((1, 3, 3)), np.zeros((1, 3)), np.ones((1, 3)), np.empty((1, 3), np.bool_))


def _passage(_folder: Path) -> None:
    """Call what only studies of single particles call."""
    from emiss.physics.hadrons.cross_section_kernels import relative
    from emiss.physics.passage.knock_on_kernels import knock_on_cosine
    from emiss.physics.passage.matter import matter
    from emiss.physics.passage.muon_kernels import at_rest, decay_share, path_to_decay
    from emiss.physics.passage.muon_tables import Plates, muon_tables

    rng = np.random.default_rng(1)
    relative(211, 10.0, 56.0)
    knock_on_cosine(0.01, 10.0, 0.105)
    path_to_decay(10.0, rng)
    decay_share(10.0, rng)
    plates = Plates(np.ones(1), np.zeros(1), 0.0, 0.0)
    at_rest(muon_tables([plates], [matter("iron", 7.874, 26.0, 55.845)]), 0, True, rng)


STEPS = (
    _raw_run,
    _beam_run,
    _simulated_run,
    _profiled_run,
    _foreign_waveforms,
    _templates,
    _showers,
    _residuals,
    _straws,
    _passage,
)
"""The jobs; together they take as long as the compiler does."""
