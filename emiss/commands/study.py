"""``emiss study``: samples are simulated, reconstructed and cut in memory; only sums are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.places import PLACE
from emiss.commands.plain import Json
from emiss.commands.process import Detail, Normalise, Quiet, Sets, Unblind, finish, parse_sets
from emiss.terminal import progress, say

if TYPE_CHECKING:
    from emiss.samples.config import Sample
    from emiss.study.plan import Asked


def study(
    analysis: Annotated[
        str,
        typer.Argument(
            metavar="ANALYSIS", autocompletion=completing.analyses, help="Analysis: a name that ships, or a file."
        ),
    ],
    samples: Annotated[
        list[str],
        typer.Argument(
            metavar="SAMPLE...", autocompletion=completing.samples, help="Samples: names that ship, or files."
        ),
    ],
    events: Annotated[
        list[str] | None,
        typer.Option(metavar="N|NAME=N", help="Events of each sample, or of one; repeatable. Default: its file's."),
    ] = None,
    seed: Annotated[
        list[str] | None,
        typer.Option(metavar="N|NAME=N", help="Seed of each sample, or of one; repeatable. Default: its file's."),
    ] = None,
    mass: Annotated[
        list[str] | None, typer.Option(help="Signal: another mass of phi, with unit; repeatable, a sample for each.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.setups,
            help="Another set-up for all samples, with its beam's energy and its constants.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", **PLACE, help="Folder for cutflow and reports.")] = Path("out"),
    set_: Sets = None,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    normalise: Normalise = 1e11,
    unblind: Unblind = False,
    detail: Detail = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate samples, reconstruct them and apply the cuts, all in memory: for statistics that no disk has room for.

    The events are those of 'emiss simulate' to a .root file, the counts those of 'emiss process' of it, whoever does the
    work. A study that was interrupted goes on where it stopped, with the same command.

    For example:

      emiss study e_to_mu_phi signal dimuon --out out/study

      emiss study e_to_mu_phi signal dimuon --events 20000 --events dimuon=16000000 --executor processes --out out/study

      emiss study my_cuts.yaml signal --mass 110MeV --mass 1GeV --set e_miss_min=25GeV --out out/masses
    """
    from emiss import selection
    from emiss.events.location import is_remote
    from emiss.study.plan import plan
    from emiss.study.run import run_study

    overrides = parse_sets(set_)
    loaded = selection.load(analysis, set=overrides)
    asked = _asked(samples, mass, detector, events, seed)
    planned = plan(loaded, asked, overrides=overrides, unblind=unblind)
    where = Executing(executor, workers, scheduler, cluster)
    done = 0
    with (
        where.begun(quiet=quiet) as how,
        progress("study", planned.events, quiet=quiet, note=note_of(how)) as step,
    ):

        def count(more: int) -> None:
            nonlocal done
            done += more
            step(more)

        try:
            outcome = run_study(planned, out, executor=how, workers=where.many, normalise=normalise, progress=count)
        except BaseException:
            if done and not (quiet or is_remote(out)):
                kept = f"{done:,} of {planned.events:,} events are done and kept in {out}"
                say(f"{kept}: the same command goes on from there", "yellow", stderr=True)
            raise
    finish(outcome, out, normalise=normalise, detail=detail, quiet=quiet, stored=False, json_=json_)


def _asked(
    samples: list[str],
    mass: list[str] | None,
    detector: str | None,
    events: list[str] | None,
    seed: list[str] | None,
) -> list[Asked]:
    """Return the samples that are asked for, with their events and seeds."""
    from emiss.commands.quantities import energies
    from emiss.configs.errors import UserError
    from emiss.samples.config import load_sample
    from emiss.study.plan import Asked

    masses = energies(mass or [], "--mass")
    found: list[tuple[str, Sample]] = []
    for name in samples:
        loaded = load_sample(name)
        base = loaded.name
        if detector is not None:
            loaded = loaded.with_detector(detector)
        many = [loaded.with_mass(one) for one in masses] if masses and loaded.role == "signal" else [loaded]
        found += [(base, one) for one in many]
    if masses and not any(one.role == "signal" for _, one in found):
        raise UserError("--mass is for signal samples, and none is given")
    names = list(dict.fromkeys(name for base, one in found for name in (base, one.name)))
    numbers, seeds = per_sample(events, names, "--events", 1), per_sample(seed, names, "--seed", 0)

    def told(said: dict[str, int], base: str, name: str) -> int | None:
        return next((said[key] for key in (name, base, "") if key in said), None)

    return [Asked(one, told(numbers, base, one.name), told(seeds, base, one.name)) for base, one in found]


def per_sample(written: list[str] | None, names: list[str], option: str, least: int) -> dict[str, int]:
    """Return the numbers of an option that is ``N`` for all samples (under "") or ``NAME=N`` for one.

    Raises
    ------
    UserError
        If one is no number, too small, or of a sample that is not there.
    """
    from emiss.configs.errors import UserError, did_you_mean

    found: dict[str, int] = {}
    for text in written or []:
        name, equals, number = text.rpartition("=")
        if equals and name not in names:
            raise UserError(f"{option} {text}: no sample is called '{name}'", hint=did_you_mean(name, names))
        try:
            value = int(number) if number.strip().isdecimal() else int(_whole(number))
        except ValueError:
            raise UserError(f"{option} {text}: '{number}' is no whole number") from None
        if value < least:
            raise UserError(f"{option} {text}: at least {least} is needed")
        found[name] = value
    return found


def _whole(text: str) -> float:
    """Return a whole number that is written as 1.6e7."""
    value = float(text)
    if not value.is_integer():
        msg = text
        raise ValueError(msg)
    return value
