"""``emiss simulate``: make a sample as a raw or as a simulated run file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands import completing
from emiss.commands.executing import Cluster, Executing, Name, Scheduler, Workers, note_of
from emiss.commands.plain import Json, put
from emiss.terminal import progress, say


def simulate(
    sample: Annotated[
        str,
        typer.Argument(
            metavar="SAMPLE.yaml", autocompletion=completing.samples, help="A sample: a name that ships, or a file."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.dat for the raw tier, FILE.root for the hits tier.")],
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; default: that of the sample.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; default: that of the sample.")] = None,
    mass: Annotated[str | None, typer.Option(help="Signal: another mass of phi, with unit.")] = None,
    damage: Annotated[
        list[str] | None, typer.Option(help="Raw tier: damage some events: KIND=COUNT, KIND a name of a ledger.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.setups, help="Another set-up, with its beam's energy and its constants."
        ),
    ] = None,
    run: Annotated[int | None, typer.Option(min=0, help="Run number; default: that of the sample.")] = None,
    executor: Name = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    json_: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Simulate a sample; both tiers come out of the same generated events, whoever makes them.

    For example:

      emiss simulate signal --events 20000 --out signal.root

      emiss simulate signal --mass 110MeV --events 20000 --out signal_110.root

      emiss simulate my_sample.yaml --out run.dat

      emiss simulate beam --detector na64e_2023 --out run.dat

      emiss simulate beam --events 1000000 --out beam.dat --executor processes --workers 8

      emiss simulate beam --out hurt.dat --damage sadc_wrong_event=3 --damage event_size=1
    """
    from emiss.commands.quantities import energy
    from emiss.configs.errors import UserError
    from emiss.job.pools import pool_of
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate as make

    loaded = load_sample(sample)
    if detector is not None:
        loaded = loaded.with_detector(detector)
    if run is not None:
        loaded = loaded.with_run(run)
    if mass is not None:
        loaded = loaded.with_mass(energy(mass, "--mass"))
    count = events or loaded.events
    hurts = parse_damage(damage)
    where = Executing(executor, workers, scheduler, cluster)
    with (
        where.begun(quiet=quiet) as how,
        progress(f"simulate {loaded.name}", count, quiet=quiet, note=note_of(how)) as step,
    ):
        stream = None if how == "serial" else pool_of(how, where.many).stream
        stood_for: list[tuple[int, float | None]] = []

        def note(generated: int, on_target: float | None) -> None:
            stood_for.append((generated, on_target))

        try:
            path = make(loaded, out, events=count, seed=seed, damage=hurts, stream=stream, progress=step, exposure=note)
        except ValueError as error:
            raise UserError(f"sample '{loaded.name}' cannot be simulated: {error}") from None
    if json_:
        drawn, on_target = stood_for[0] if stood_for else (count, None)
        size = path.stat().st_size
        put({"path": str(path), "events": count, "bytes": size, "drawn": drawn, "on_target": on_target})
    elif not quiet:
        say(f"written: {path} ({count} events, {path.stat().st_size / 1e6:.1f} MB)", "dim")
        if stood_for:
            tell_exposure(count, *stood_for[0], says=path.suffix != ".dat")


def tell_exposure(events: int, generated: int, on_target: float | None, *, says: bool) -> None:
    """Print what events stand for: of files that do not say it, and where required triggers made more be drawn."""
    if generated != events:
        say(f"{generated} events were drawn for {events} with the triggers required", "dim")
    if on_target is not None and not says:
        say(f"on_target: {on_target:.12g} (for the run list: a raw file does not say it)", "dim")


def parse_damage(written: list[str] | None) -> dict[str, int]:
    """Return kind and count of each ``KIND=COUNT``."""
    from emiss.configs.errors import UserError

    found: dict[str, int] = {}
    for text in written or []:
        kind, _, count = text.partition("=")
        if not count.isdecimal():
            raise UserError(f"--damage {text}: how many events?", hint=f"write --damage {kind}=1")
        found[kind.strip()] = int(count)
    return found
