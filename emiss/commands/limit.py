"""``emiss limit``: the 90 % CL limit on the coupling h against the mass of phi."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.terminal import progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.configs.errors import UserError
    from emiss.physics.limits.backgrounds import Budget
    from emiss.reach.efficiencies import Efficiency
    from emiss.reach.periods import Settings
    from emiss.reach.sensitivity import DataPeriod, Point
    from emiss.samples.config import Sample

MASSES = ["110 MeV", "150 MeV", "200 MeV", "300 MeV", "500 MeV", "700 MeV", "1 GeV", "1.5 GeV", "2 GeV", "3 GeV"]
"""Of Fig. 8 of arXiv:2404.15931."""


def limit(
    eot: Annotated[
        list[float] | None, typer.Option("--eot", help="Electrons on target; once per period of data taking.")
    ] = None,
    observed: Annotated[
        list[int] | None, typer.Option(min=0, help="Events observed; once per period. Default: a projection.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Data sample of the cutflow: its events are observed; once per period.")
    ] = None,
    periods: Annotated[
        Path | None, typer.Option(help="YAML file of periods, each with its own exposure, efficiencies, background.")
    ] = None,
    analysis: Annotated[
        str | None, typer.Option(help="Analysis: a name that ships, or a file. Default: e_to_mu_phi.")
    ] = None,
    cutflow: Annotated[
        Path | None, typer.Option(help="cutflow.json with signal samples of several masses: their efficiencies.")
    ] = None,
    efficiencies: Annotated[
        Path | None, typer.Option(help="CSV table of efficiencies: m_phi (GeV), efficiency, error, threshold (GeV).")
    ] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="NAME=SAMPLE.yaml: what a signal sample was made from, if it does not say.")
    ] = None,
    sample: Annotated[str, typer.Option(help="Signal sample to simulate where no efficiencies are given.")] = "signal",
    mass: Annotated[list[str] | None, typer.Option(help="Mass to simulate, with unit; may be repeated.")] = None,
    events: Annotated[int, typer.Option(min=1, help="Events to simulate per mass.")] = 5000,
    region: Annotated[str | None, typer.Option(help="Region of the analysis. Default: the first.")] = None,
    background: Annotated[
        str,
        typer.Option(
            help="'budget' (the paper's, for the cuts of e_to_mu_phi), 'cutflow' (its background samples), events per "
            "electron, or 'auto': the budget if the cuts are its own, else the cutflow."
        ),
    ] = "auto",
    empty: Annotated[
        str,
        typer.Option(
            help="Processes of which the simulation left nothing: 'bound' (what it leaves room for) or 'zero'."
        ),
    ] = "bound",
    background_error: Annotated[
        float | None, typer.Option(min=0.0, help="Relative error of the background, in the place of its own.")
    ] = None,
    srd_factor: Annotated[float | None, typer.Option(help="Budget: what the SRD leaves of hadrons (2e-5).")] = None,
    srd_reading: Annotated[
        str, typer.Option(help="Budget: 2e-5 is a 'factor' on the beam's hadrons, or the 'level' that is left.")
    ] = "factor",
    efficiency_error: Annotated[
        float, typer.Option(min=0.0, help="Relative error of the efficiency, besides its statistical one.")
    ] = 0.0,
    efficiency_factor: Annotated[
        float, typer.Option(help="Factor on efficiencies: trigger, dead time, what the simulation does not have.")
    ] = 1.0,
    eot_error: Annotated[float, typer.Option(min=0.0, help="Relative error of the electrons on target.")] = 0.0,
    target: Annotated[str, typer.Option(help="Material of the target: lead, tungsten, copper, iron, ...")] = "lead",
    threshold: Annotated[
        str, typer.Option(help="Lowest energy of emitting electrons, for a table without it.")
    ] = "20 GeV",
    beam_energy: Annotated[str, typer.Option(help="Energy of the beam, for a table.")] = "100 GeV",
    confidence: Annotated[float, typer.Option(help="Confidence level.")] = 0.9,
    method: Annotated[str, typer.Option(help="auto, exact, toys or asymptotic.")] = "auto",
    difference: Annotated[str, typer.Option(help="Muon g-2 compared with: wp2020, wp2025 or final2025.")] = "wp2020",
    ratio: Annotated[
        list[float] | None, typer.Option(help="m_phi over dark matter's mass; once per relic line.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the curve as JSON, CSV, PNG, PDF.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it to this .png, .pdf or .svg.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Give the limit on the coupling h against the mass of phi, with muon g-2 and relic density beside it.

    Efficiencies come from a cutflow with signal samples of several masses, from a table, or are simulated on the spot.
    Limits are CLs; with few events they are exact, never asymptotic, unless asked for.

    For example:

      emiss limit --eot 1e11 --plot limit.pdf

      emiss limit --eot 1e11 --cutflow out/masses/cutflow.json --analysis e_to_mu_phi --out out/limit

      emiss limit --eot 2.8e11 --observed 0 --eot 4.4e11 --observed 1 --efficiencies table.csv --efficiency-error 0.1

      emiss limit --periods periods.yaml --out out/limit
    """
    from emiss.commands.quantities import energy
    from emiss.configs.errors import Problems
    from emiss.events import provenance
    from emiss.reach import sensitivity
    from emiss.reach.periods import Reader, Settings, nucleus, warnings_of

    started = provenance.now()
    problems = Problems()
    for problem in (
        *_check_numbers(eot, eot_error, efficiency_error, background_error, efficiency_factor, confidence),
        *_check_names(method, difference, empty, srd_reading, background),
        *_raised(nucleus, target),
        *_check_together(eot, observed, data, periods, mass, efficiencies, cutflow, signal, background),
        *_check_outputs(out, plot),
    ):
        problems.add(problem)
    problems.check()
    default = Settings(
        cutflow=cutflow,
        table=efficiencies,
        known=_known(signal or []),
        region=region,
        background=background,
        background_error=background_error,
        on_target_error=eot_error,
        efficiency_error=efficiency_error,
        efficiency_factor=efficiency_factor,
        nucleus=target,
    )
    settings, correlations, configs = _settings(default, eot, observed, data, periods)
    settings = [_with_file(one) for one in settings]
    fixed = any(one.background != "budget" for one in settings) and not any(
        one.background == "auto" for one in settings
    )
    budget = _budget(srd_factor, srd_reading, used=not fixed)

    def simulate() -> list[Efficiency]:
        found, made_of = _simulated(analysis, sample, mass, events, region, quiet=quiet)
        configs.update(made_of)
        return found

    from emiss.physics.constraints import relic
    from emiss.physics.validity import check_coupling

    ratios = ratio or [relic.INVISIBLE, relic.PRINTED]
    with _said() as said:
        reader = Reader(
            analysis=analysis,
            simulate=simulate,
            threshold=energy(threshold, "--threshold"),
            beam_energy=energy(beam_energy, "--beam-energy"),
            budget=budget,
            empty=empty,  # type: ignore[arg-type]
        )
        found = [reader.period(one) for one in settings]
        points = sensitivity.curve(found, confidence=confidence, method=method, correlations=correlations)  # type: ignore[arg-type]
        check_coupling(max(point.median for point in points), "the largest median limit on h")
        compared = _lines([point.m_phi for point in points], difference, ratios)
    doubts = list(dict.fromkeys(text for period in found for text in warnings_of(period)))
    inputs = _inputs(settings)
    record = provenance.record(configs=configs, inputs=inputs, started=started)
    curve = sensitivity.to_json(points, found, compared, record, doubts)
    _print(curve, points, found, compared, doubts, as_json=json_, quiet=quiet)
    written = _write(curve, points, found, compared, out, plot, lambda: _lines(_fine(points), difference, ratios))
    if written and not quiet and not json_:
        say("written: " + ", ".join(map(str, written)), "dim")
    for text in dict.fromkeys(said):
        warn(text)


def _check_numbers(
    eot: Sequence[float] | None,
    eot_error: float,
    efficiency_error: float,
    background_error: float | None,
    efficiency_factor: float,
    confidence: float,
) -> Iterator[UserError]:
    """Refuse numbers out of range before anything is computed."""
    from emiss.configs.errors import UserError

    if any(not 0 < n < float("inf") for n in eot or ()):
        yield UserError("--eot must be above 0, and finite")
    errors = {"--efficiency-error": efficiency_error, "--background-error": background_error or 0.0}
    for option, error in {**errors, "--eot-error": eot_error}.items():
        if not 0.0 <= error < float("inf"):
            yield UserError(f"{option} must be 0 or above, and finite")
    if not 0.0 < efficiency_factor < float("inf"):
        yield UserError("--efficiency-factor must be above 0, and finite")
    if not 0.0 < confidence < 1.0:
        yield UserError(f"--confidence {confidence:g}: it lies between 0 and 1")


def _check_names(method: str, difference: str, empty: str, srd_reading: str, background: str) -> Iterator[UserError]:
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.physics.constraints.g_minus_2 import DIFFERENCES
    from emiss.physics.limits import METHODS
    from emiss.physics.limits.backgrounds import READINGS
    from emiss.reach.background import EMPTY, check_name

    for option, name, known in (
        ("--method", method, METHODS),
        ("--difference", difference, DIFFERENCES),
        ("--empty", empty, EMPTY),
        ("--srd-reading", srd_reading, READINGS),
    ):
        if name not in known:
            yield UserError(f"{option}: there is no '{name}'", hint=did_you_mean(name, known))
    yield from _raised(check_name, background)


def _check_together(
    eot: Sequence[float] | None,
    observed: Sequence[int] | None,
    data: Sequence[str] | None,
    periods: Path | None,
    masses: Sequence[str] | None,
    table: Path | None,
    flow: Path | None,
    signal: Sequence[str] | None,
    background: str,
) -> Iterator[UserError]:
    """Refuse options that do not go together."""
    from emiss.configs.errors import UserError

    if periods is not None:
        if eot or observed or data:
            yield UserError("--periods says what --eot, --observed and --data say", hint="leave out one of them")
        return
    if not eot and not data:
        yield UserError(
            "--eot is missing: electrons on target", hint="or --periods FILE, or --data SAMPLE of a cutflow"
        )
    if observed and data:
        yield UserError("--observed and --data both say what was seen", hint="leave out one of them")
    count = len(eot or data or ())
    for option, given in (("--observed", observed), ("--data", data)):
        if given and len(given) != count:
            yield UserError(f"{option} is given {len(given)} times for {count} periods", hint="once per --eot")
    if masses and (table or flow):
        yield UserError("--mass is for masses to simulate; the efficiencies are given", hint="leave out one of them")
    if table and flow and background != "cutflow" and not data:
        yield UserError(
            "--cutflow and --efficiencies both give efficiencies", hint="leave out one, or add --background cutflow"
        )
    if signal and not flow:
        yield UserError("--signal is for the samples of a cutflow", hint="--sample names what to simulate")
    if data and not flow:
        yield UserError("--data names a sample of a cutflow, and there is no --cutflow")
    if background == "cutflow" and not flow:
        yield UserError("--background cutflow needs --cutflow")


def _check_outputs(out: Path | None, plot: Path | None) -> Iterator[UserError]:
    from emiss.configs.errors import UserError
    from emiss.reach.figures import check_suffix

    if plot is not None:
        yield from _raised(check_suffix, plot)
    if out is not None and out.exists() and not out.is_dir():
        yield UserError(f"--out: {out} is a file, not a folder")


def _raised(check: Callable[[Any], object], value: object) -> Iterator[UserError]:
    """Return what a check has against a value."""
    from emiss.configs.errors import UserError

    try:
        check(value)
    except UserError as error:
        yield error


def _settings(
    default: Settings,
    eot: Sequence[float] | None,
    observed: Sequence[int] | None,
    data: Sequence[str] | None,
    periods: Path | None,
) -> tuple[list[Settings], Any, dict[str, str]]:
    """Return the periods, which errors they share (None: all), and the configs that they stand on."""
    from emiss.reach.periods import load

    if periods is not None:
        found, common, document = load(periods, default)
        return found, common, {document.name: document.text}
    count = len(eot or data or ())
    one_by_one = [
        replace(
            default,
            on_target=eot[i] if eot else None,
            observed=observed[i] if observed else None,
            data=data[i] if data else None,
        )
        for i in range(count)
    ]
    return one_by_one, None, {}


def _with_file(settings: Settings) -> Settings:
    """Return the settings with the cutflow's file in the place of its folder."""
    path = settings.cutflow
    return replace(settings, cutflow=path / "cutflow.json") if path is not None and path.is_dir() else settings


def _simulated(
    analysis: str | None, sample: str, mass: Sequence[str] | None, events: int, region: str | None, *, quiet: bool
) -> tuple[list[Efficiency], Mapping[str, str]]:
    """Return efficiencies that are simulated on the spot, and the configs that they stand on."""
    from emiss import selection
    from emiss.commands.quantities import energies
    from emiss.reach import efficiencies
    from emiss.samples.config import load_sample

    masses = energies(mass or MASSES, "--mass")
    loaded, made_of = selection.load(analysis or "e_to_mu_phi"), load_sample(sample)
    with progress("simulate", events * len(masses), quiet=quiet) as step:
        found = efficiencies.simulated(masses, loaded, made_of, events=events, region=region, progress=step)
    document = made_of.document
    return found, {**loaded.source_texts, **({document.name: document.text} if document else {})}


def _known(signal: Sequence[str]) -> dict[str, Sample]:
    from emiss.configs.errors import UserError
    from emiss.samples.config import load_sample

    known = {}
    for text in signal:
        name, sign, file = text.partition("=")
        if not sign or not name or not file:
            raise UserError(f"--signal {text}: write NAME=SAMPLE.yaml")
        known[name] = load_sample(file)
    return known


def _budget(srd_factor: float | None, srd_reading: str, *, used: bool) -> Budget:
    from emiss.configs.errors import UserError
    from emiss.physics.limits.backgrounds import Budget

    if srd_factor is not None and not 0.0 < srd_factor <= 1.0:
        raise UserError(f"--srd-factor {srd_factor:g}: a share of hadrons lies between 0 and 1")
    if not used and (srd_factor is not None or srd_reading != Budget().reading):
        raise UserError("--srd-factor and --srd-reading are for the budget, and the background is another one")
    return Budget().with_srd(srd_factor, srd_reading)  # type: ignore[arg-type]


@contextmanager
def _said() -> Iterator[list[str]]:
    """Collect warnings; the list is full when the block has ended."""
    import warnings

    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    texts += [str(warning.message) for warning in caught]


def _inputs(settings: Sequence[Settings]) -> list[dict[str, str]]:
    from emiss.events.files.identity import checksum

    paths = dict.fromkeys(path for one in settings for path in (one.cutflow, one.table) if path)
    return [{"path": str(path), "identity": checksum(path)} for path in paths]


def _print(
    curve: Mapping[str, Any],
    points: Sequence[Point],
    found: Sequence[DataPeriod],
    compared: Mapping[str, Any],
    doubts: Sequence[str],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the limits, as a table or as JSON; what is doubtful stands above, or on the error stream."""
    import json

    from emiss.reach import limit_table

    if as_json:
        typer.echo(json.dumps(curve, indent=1, allow_nan=False))
    elif not quiet:
        limit_table.show(points, found, compared, doubts)
        return
    for text in doubts:
        warn(text)


def _write(
    curve: Mapping[str, Any],
    points: Sequence[Point],
    found: Sequence[DataPeriod],
    compared: Mapping[str, Any],
    out: Path | None,
    plot: Path | None,
    fine: Callable[[], Mapping[str, Any]],
) -> list[Path]:
    """Write the curve and its figures, and return the files; `fine` gives the lines that are drawn."""
    import json

    from emiss.configs.errors import Location, UserError
    from emiss.events.files.atomic import write_text
    from emiss.reach import figures, sensitivity

    written: list[Path] = []
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(error.strerror or "cannot be made", at=Location(str(out))) from None
        write_text(out / "limit.json", json.dumps(curve, indent=1, allow_nan=False) + "\n")
        write_text(out / "limit.csv", sensitivity.to_csv(points, compared))
        written += [out / "limit.json", out / "limit.csv"]
    drawn = [*([out / "limit.png", out / "limit.pdf"] if out is not None else []), *([plot] if plot else [])]
    if drawn:
        made = figures.plane(fine(), points, found)
        written += [figures.write(made, path) for path in drawn]
    return written


def _lines(masses: Sequence[float], difference: str, ratios: Sequence[float]) -> dict[str, Any]:
    from emiss.configs.errors import UserError
    from emiss.reach import sensitivity

    try:
        return sensitivity.lines(masses, difference=difference, ratios=ratios)
    except ValueError as error:
        raise UserError(str(error)) from None


def _fine(points: Sequence[Point]) -> list[float]:
    """Return masses close to each other, from below the first point to above the last, for lines."""
    import numpy as np

    first, last = points[0].m_phi, points[-1].m_phi
    return [float(m) for m in np.geomspace(max(0.95 * first, 0.1065), 1.05 * last, 120)]
