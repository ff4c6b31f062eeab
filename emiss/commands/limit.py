"""``emiss limit``: the 90 % CL limit on the coupling h against the mass of phi."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.terminal import console, progress, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.efficiencies import Efficiency
    from emiss.sensitivity import Background, Point
    from samples.config import Sample
    from selection.cutflow import Cutflow

MASSES = ["110 MeV", "150 MeV", "200 MeV", "300 MeV", "500 MeV", "700 MeV", "1 GeV", "1.5 GeV", "2 GeV", "3 GeV"]
"""Of Fig. 8 of arXiv:2404.15931."""


def limit(
    eot: Annotated[list[float], typer.Option("--eot", help="Electrons on target; once per period of data taking.")],
    observed: Annotated[
        list[int] | None, typer.Option(min=0, help="Events observed; once per period. Default: a projection.")
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
        str, typer.Option(help="'budget' (of the paper), 'cutflow' (its background samples), or events per electron.")
    ] = "budget",
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
    threshold: Annotated[
        str, typer.Option(help="Lowest energy of emitting electrons, for a table without it.")
    ] = "20 GeV",
    beam_energy: Annotated[str, typer.Option(help="Energy of the beam, for a table.")] = "100 GeV",
    confidence: Annotated[float, typer.Option(help="Confidence level.")] = 0.9,
    method: Annotated[str, typer.Option(help="auto, exact, toys or asymptotic.")] = "auto",
    difference: Annotated[str, typer.Option(help="Muon g-2 compared with: wp2020 or wp2025.")] = "wp2020",
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
    """
    import json
    import warnings

    from emiss import figures, limit_table, sensitivity
    from events import provenance
    from events.identity import checksum

    started = provenance.now()
    from configs.errors import Location, UserError

    _check(
        eot,
        observed,
        confidence,
        method,
        difference,
        out,
        plot,
        efficiency_error=efficiency_error,
        background_error=background_error,
        masses=mass,
        table=efficiencies,
        flow=cutflow,
        background=background,
    )
    exposures = [sensitivity.Exposure(n, observed[i] if observed else None) for i, n in enumerate(eot)]
    if cutflow is not None and cutflow.is_dir():
        cutflow /= "cutflow.json"
    flow = _cutflow(cutflow, analysis)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found, configs = _efficiencies(
            flow,
            efficiencies,
            signal or [],
            analysis,
            sample,
            mass,
            events,
            region,
            threshold,
            beam_energy,
            quiet=quiet,
        )
        expected = _background(background, flow, region, srd_factor, srd_reading, background_error)
        try:
            points = sensitivity.curve(
                found,
                exposures,
                expected,
                efficiency_error=efficiency_error,
                confidence=confidence,
                method=method,  # type: ignore[arg-type]
            )
        except ValueError as error:
            raise UserError(f"there is no limit: {error}", hint="another --method, or smaller numbers") from None
        from physics.constraints import relic

        ratios = ratio or [relic.INVISIBLE, relic.PRINTED]
        compared = _lines([point.m_phi for point in points], difference, ratios)
    inputs = [{"path": str(path), "identity": checksum(path)} for path in (cutflow, efficiencies) if path]
    data = sensitivity.to_json(
        points, exposures, expected, compared, provenance.record(configs=configs, inputs=inputs, started=started)
    )
    if json_:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    elif not quiet:
        limit_table.show(points, found, exposures, expected, compared)
    written = []
    if out is not None:
        from selection.cutflowfile import write_text

        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(error.strerror or "cannot be made", at=Location(str(out))) from None
        write_text(out / "limit.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
        write_text(out / "limit.csv", sensitivity.to_csv(points, compared))
        written += [out / "limit.json", out / "limit.csv"]
    drawn = [*([out / "limit.png", out / "limit.pdf"] if out is not None else []), *([plot] if plot else [])]
    if drawn:
        made = figures.plane(_lines(_fine(points), difference, ratios), points, exposures)
        written += [figures.write(made, path) for path in drawn]
    if written and not quiet and not json_:
        console().print("written: " + ", ".join(map(str, written)), style="dim", markup=False)
    for text in dict.fromkeys(str(warning.message) for warning in said):
        warn(text)


def _check(
    eot: Sequence[float],
    observed: Sequence[int] | None,
    confidence: float,
    method: str,
    difference: str,
    out: Path | None,
    plot: Path | None,
    *,
    efficiency_error: float,
    background_error: float | None,
    masses: Sequence[str] | None,
    table: Path | None,
    flow: Path | None,
    background: str,
) -> None:
    """Refuse what is wrong in the options before anything is computed."""
    from configs.errors import UserError, did_you_mean
    from emiss.figures import check_suffix
    from physics.constraints.g_minus_2 import DIFFERENCES
    from physics.limits import METHODS

    if any(not 0 < n < float("inf") for n in eot):
        raise UserError("--eot must be above 0, and finite")
    for option, error in (("--efficiency-error", efficiency_error), ("--background-error", background_error or 0.0)):
        if not 0.0 <= error < float("inf"):
            raise UserError(f"{option} must be 0 or above, and finite")
    if masses and (table or flow):
        raise UserError("--mass is for masses to simulate; the efficiencies are given", hint="leave out one of them")
    if table and flow and background != "cutflow":
        raise UserError(
            "--cutflow and --efficiencies both give efficiencies", hint="leave out one, or add --background cutflow"
        )
    if observed and len(observed) != len(eot):
        raise UserError(f"--observed is given {len(observed)} times for {len(eot)} periods", hint="once per --eot")
    if not 0.0 < confidence < 1.0:
        raise UserError(f"--confidence {confidence:g}: it lies between 0 and 1")
    for option, name, known in (("--method", method, METHODS), ("--difference", difference, DIFFERENCES)):
        if name not in known:
            raise UserError(f"{option}: there is no '{name}'", hint=did_you_mean(name, known))
    if plot is not None:
        check_suffix(plot)
    if out is not None and out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file, not a folder")


def _cutflow(path: Path | None, analysis: str | None) -> Cutflow | None:
    """Read the cutflow; where an analysis is named, too, it has to be that one."""
    if path is None:
        return None
    import selection
    from configs.errors import Location, UserError
    from selection.cutflow import Cutflow

    flow = Cutflow.load(path)
    if analysis is not None:
        loaded = selection.load(analysis)
        if loaded.cuts_hash != flow.cuts_hash:
            text = f"made with other cuts than those of '{analysis}' ({flow.cuts_hash}, not {loaded.cuts_hash})"
            raise UserError(text, at=Location(str(path)), hint="run 'emiss select' again, or leave out --analysis")
    return flow


def _efficiencies(
    flow: Cutflow | None,
    table: Path | None,
    signal: Sequence[str],
    analysis: str | None,
    sample: str,
    mass: Sequence[str] | None,
    events: int,
    region: str | None,
    threshold: str,
    beam_energy: str,
    *,
    quiet: bool,
) -> tuple[list[Efficiency], Mapping[str, str]]:
    """Return the efficiencies, and the configs that they stand on."""
    import selection
    from configs.errors import UserError
    from emiss import efficiencies
    from emiss.commands.quantities import energies, energy
    from samples.config import load_sample

    if table is not None:
        lowest, beam = energy(threshold, "--threshold"), energy(beam_energy, "--beam-energy")
        return efficiencies.from_table(table, threshold=lowest, beam_energy=beam), {}
    if flow is not None:
        return efficiencies.from_cutflow(flow, region=region, known=_known(signal)), {}
    if signal:
        raise UserError("--signal is for the samples of a cutflow", hint="--sample names what to simulate")
    masses = energies(mass or MASSES, "--mass")
    loaded, made_of = selection.load(analysis or "e_to_mu_phi"), load_sample(sample)
    with progress("simulate", events * len(masses), quiet=quiet) as step:
        found = efficiencies.simulated(masses, loaded, made_of, events=events, region=region, progress=step)
    document = made_of.document
    return found, {**loaded.source_texts, **({document.name: document.text} if document else {})}


def _known(signal: Sequence[str]) -> dict[str, Sample]:
    from configs.errors import UserError
    from samples.config import load_sample

    known = {}
    for text in signal:
        name, sign, file = text.partition("=")
        if not sign or not name or not file:
            raise UserError(f"--signal {text}: write NAME=SAMPLE.yaml")
        known[name] = load_sample(file)
    return known


def _background(
    name: str,
    flow: Cutflow | None,
    region: str | None,
    srd_factor: float | None,
    srd_reading: str,
    error: float | None,
) -> Background:
    """Return the background that the options ask for."""
    from dataclasses import replace

    from configs.errors import UserError, did_you_mean
    from emiss import sensitivity
    from physics.backgrounds import READINGS, Budget

    if srd_reading not in READINGS:
        raise UserError(f"--srd-reading: there is no '{srd_reading}'", hint=did_you_mean(srd_reading, READINGS))
    if name == "budget":
        if srd_factor is not None and not 0.0 < srd_factor <= 1.0:
            raise UserError(f"--srd-factor {srd_factor:g}: a share of hadrons lies between 0 and 1")
        found = sensitivity.from_budget(Budget().with_srd(srd_factor, srd_reading))  # type: ignore[arg-type]
    elif name == "cutflow":
        if flow is None:
            raise UserError("--background cutflow needs --cutflow")
        found = sensitivity.from_cutflow(flow, region)
    else:
        try:
            number = float(name)
        except ValueError:
            hint = did_you_mean(name, ("budget", "cutflow"))
            raise UserError(f"--background: '{name}' is no number of events per electron", hint=hint) from None
        if not 0.0 <= number < 1.0:
            raise UserError(f"--background {number:g}: events per electron on target lie between 0 and 1")
        found = sensitivity.Background(number, 0.0, "given")
    return found if error is None else replace(found, relative_error=error)


def _lines(masses: Sequence[float], difference: str, ratios: Sequence[float]) -> dict[str, Any]:
    from configs.errors import UserError
    from emiss import sensitivity

    try:
        return sensitivity.lines(masses, difference=difference, ratios=ratios)
    except ValueError as error:
        raise UserError(str(error)) from None


def _fine(points: Sequence[Point]) -> list[float]:
    """Return masses close to each other, from below the first point to above the last, for lines."""
    import numpy as np

    first, last = points[0].m_phi, points[-1].m_phi
    return [float(m) for m in np.geomspace(max(0.95 * first, 0.1065), 1.05 * last, 120)]
