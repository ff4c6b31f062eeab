"""``emiss yields``: how many phi, A' or X of any model a beam makes, per particle on target, against mass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from emiss.reach.yield_table import Row, YieldTable


def yields(
    model: Annotated[str, typer.Option(help="phi, dark-photon, or another of `emiss models`.")] = "phi",
    mass: Annotated[list[str] | None, typer.Option("--mass", "-m", help="Mass with its unit; may be repeated.")] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", "-t", help="Lowest energy of the electron that emits (phi) or of the A'; may be repeated."
        ),
    ] = None,
    energy: Annotated[str, typer.Option(help="Energy of the beam particle.")] = "100GeV",
    beam: Annotated[str, typer.Option(help="Beam particle of the other models: e-, e+, mu-, pi-, ...")] = "e-",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="NAME=VALUE of a parameter of the other models; may be repeated."),
    ] = None,
    channel: Annotated[str, typer.Option(help="Decays of the other models that count; all without it.")] = "",
    target: Annotated[
        str,
        typer.Option(help="Set-up whose target the other models are made in; 40 radiation lengths of lead without it."),
    ] = "",
    coupling: Annotated[float, typer.Option(help="h of phi, epsilon of A', or what `emiss models` says.")] = 1e-4,
    method: Annotated[
        Literal["exact", "ww", "iww"], typer.Option(help="Exact tree level, Weizsaecker-Williams or improved.")
    ] = "exact",
    k_factors: Annotated[
        bool, typer.Option("--k-factors", help="Divide an approximation for A' by its ratio to the exact total.")
    ] = False,
    inelastic: Annotated[
        bool,
        typer.Option(
            "--inelastic",
            help="Count nuclei that break up, too (at 100 GeV 2 % at 0.11 GeV, 4 % at 1 GeV, 31 % at 3 GeV).",
        ),
    ] = False,
    positrons: Annotated[
        bool, typer.Option("--positrons", help="Count phi of the shower's positrons, too (e+ N -> mu+ N phi).")
    ] = False,
    eot: Annotated[float, typer.Option(min=0.0, help="Electrons on target that events are expected for.")] = 1e11,
    efficiency: Annotated[float, typer.Option(min=0.0, max=1.0, help="Selected over emitted.")] = 1.0,
    json_: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw it to this .png, .pdf or .svg.")] = None,
) -> None:
    """Print yields per electron on target in 40 radiation lengths of lead (Eq. 29), with the energy threshold explicit.

    The track lengths of the shower are those of Rossi's approximation A. The last column is the coupling at which 2.3 events
    are expected, the 90 % CL limit where none is seen. The phi and the A' of bremsstrahlung have methods and K factors; all
    models, the resonant A' included, are those of `emiss models`.

    For example:

      emiss yields -t 5GeV -t 20GeV

      emiss yields --model dark-photon -m 10MeV -m 100MeV --eot 2.84e11 --efficiency 0.5

      emiss yields --model dark-photon --method iww --k-factors --json --plot yields.pdf

      emiss yields --model inelastic -s splitting=0.2 --beam e+ --energy 70GeV -m 200MeV

      emiss yields --model eta --beam pi- --energy 50GeV --target na64h_2022 --eot 2.9e9 --channel invisible
    """
    from emiss.commands import quantities
    from emiss.configs.errors import UserError
    from emiss.drawing import check_suffix
    from emiss.physics.quadrature import ConvergenceError
    from emiss.reach import yield_table

    if plot is not None:
        check_suffix(plot)
    if not 0.0 < coupling < float("inf"):
        raise UserError("--coupling: a coupling is above 0")
    given = [quantities.energy(text, "--mass") for text in mass or ()]
    least = [quantities.energy(text, "--threshold") for text in threshold or ()]
    primary = quantities.energy(energy, "--energy")
    own = beam == "e-" and not parameter and not channel and not target
    if model not in yield_table.MODELS or not own:
        for said, name in (
            (k_factors, "--k-factors"),
            (inelastic, "--inelastic"),
            (positrons, "--positrons"),
            (method != "exact", "--method"),
            (plot is not None, "--plot"),
        ):
            if said:
                raise UserError(f"{name}: is for phi and dark-photon in an electron's shower in lead")
        settings_of = (beam, primary, coupling, eot, efficiency, channel, target)
        _any_model(model, given, least or [0.5 * primary], settings_of, parameter or [], as_json=json_)
        return
    chosen = yield_table.MODELS[model]
    masses, thresholds = given or list(chosen.masses), least or [chosen.threshold]
    if positrons and model != "phi":
        raise UserError("--positrons: is for phi; A' are of electrons and positrons already")
    leptons = ("e-", "e+") if positrons else ("e-",)
    settings = yield_table.Settings(primary, coupling, method, k_factors, eot, efficiency, inelastic, leptons)
    try:
        table = yield_table.compute("phi" if model == "phi" else "dark-photon", masses, thresholds, settings)
    except (ValueError, ConvergenceError) as error:
        raise UserError(str(error)) from error
    if json_:
        from emiss.events import provenance

        typer.echo(json.dumps({**table.to_dict(), "provenance": provenance.record(configs={})}, indent=1))
    else:
        _print(table)
    for line in table.warnings:
        warn(line)
    if plot is not None:
        from emiss import drawing
        from emiss.reach import figures

        drawing.save(figures.yields(table), plot)
        if not json_:
            say(f"written: {plot}", "dim")


def _any_model(
    name: str,
    masses: list[float],
    thresholds: list[float],
    settings: tuple[Any, ...],
    parameters: list[str],
    *,
    as_json: bool,
) -> None:
    """Print the table of a model of `emiss.samples.models`."""
    from rich.table import Table
    from rich.text import Text

    from emiss.configs.errors import UserError
    from emiss.events import provenance
    from emiss.physics.quadrature import ConvergenceError
    from emiss.reach import model_table
    from emiss.selection.display import numbers

    try:
        table = model_table.compute(name, masses, thresholds, model_table.Settings(*settings), _parameters(parameters))
    except (ValueError, ConvergenceError) as error:
        raise UserError(str(error)) from error
    if as_json:
        typer.echo(json.dumps({**table.to_dict(), "provenance": provenance.record(configs={})}, indent=1))
    else:
        chosen, plane = table.settings, table.model.plane
        unit = f" {plane.unit}" if plane.unit else ""
        where = f"the target of {chosen.target}" if chosen.target else "40 radiation lengths of lead"
        title = f"{table.model.title}: {chosen.beam} of {chosen.energy:g} GeV on {where}"
        if plane.coupling:
            title += f", {plane.coupling} = {chosen.coupling:g}{unit}"
        screen = Table(title=title, title_justify="left", box=None, header_style="dim", title_style="")
        heads = (
            "mass [GeV]", "above [GeV]", "per particle", f"per {numbers.particles(chosen.on_target)}", "mean energy [GeV]",
            "mean depth [mm]", "width [GeV]", "decay length [mm]", f"{plane.coupling or 'coupling'} of 2.3",
        )  # fmt: skip
        for head in heads:
            screen.add_column(Text(head), justify="right")
        for row in table.rows:
            values = (
                row.per_particle, row.expected, row.mean_energy, row.mean_depth, row.width or None, row.decay_length,
                row.coupling_limit,
            )  # fmt: skip
            shown = [numbers.NONE if value is None else numbers.significant(value) for value in values]
            screen.add_row(f"{row.mass:g}", f"{row.threshold:g}", *shown)
        print_table(screen)
        if chosen.efficiency != 1.0:
            say(f"events with an efficiency of {chosen.efficiency:g}", "dim")
    for line in table.warnings:
        warn(line)


def _parameters(texts: list[str]) -> dict[str, float | str]:
    """Return what NAME=VALUE texts say; a value is a number where it can be read as one."""
    from emiss.configs.errors import UserError

    found: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UserError(f"--set: '{text}' is no NAME=VALUE")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def _print(table: YieldTable) -> None:
    from rich.table import Table
    from rich.text import Text

    from emiss.reach.yield_table import MODELS
    from emiss.selection.display import numbers

    model, settings = MODELS[table.model], table.settings
    method = settings.method + (" with K factors" if settings.k_factors else "")
    method += ", with inelastic form factor" if settings.inelastic else ""
    method += ", with positrons" if len(settings.leptons) > 1 else ""
    title = (
        f"{model.reaction} on lead, electrons of {settings.energy:g} GeV, {model.coupling} = {settings.coupling:g}, "
    )
    screen = Table(title=title + method, title_justify="left", box=None, header_style="dim", title_style="")
    heads = (
        f"{model.particle} [GeV]", f"{model.threshold_of} above [GeV]", "cross section [pb]", "per electron",
        f"per {numbers.particles(settings.on_target)}", "mean electron [GeV]", "mean depth [X0]",
        f"{model.coupling} of 2.3",
    )  # fmt: skip
    for head in heads:
        screen.add_column(Text(head), justify="right")
    for row in table.rows:
        screen.add_row(*_cells(row))
    print_table(screen)
    if settings.efficiency != 1.0:
        say(f"events and {model.coupling} with an efficiency of {settings.efficiency:g}", "dim")


def _cells(row: Row) -> list[str]:
    from emiss.selection.display import numbers

    values = (
        row.cross_section, row.per_electron, row.expected, row.mean_energy, row.mean_depth, row.coupling_limit,
    )  # fmt: skip
    shown = [numbers.NONE if value is None else numbers.significant(value) for value in values]
    return [f"{row.mass:g}", f"{row.threshold:g}", *shown]
