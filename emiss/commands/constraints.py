"""``emiss constraints``: what else is known of the models that NA64 searches for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MASSES = ["110 MeV", "150 MeV", "200 MeV", "300 MeV", "500 MeV", "1 GeV", "2 GeV", "3 GeV"]
DARK = ["1 MeV", "10 MeV", "100 MeV", "1 GeV"]


def constraints(
    mass: Annotated[
        list[str] | None,
        typer.Option("--mass", "-m", help="Mass of phi, of dark matter or of an ALP, with unit; may be repeated."),
    ] = None,
    ratio: Annotated[
        list[float] | None, typer.Option(help="m_phi over dark matter's mass; once per relic line. Default: 3 and 1/3.")
    ] = None,
    dark_coupling: Annotated[float, typer.Option(help="g of phi to dark matter.")] = 0.1,
    difference: Annotated[str, typer.Option(help="Muon g-2 compared with: wp2020, wp2025 or final2025.")] = "wp2020",
    alp_coupling: Annotated[float, typer.Option(help="g of an ALP to two photons, 1/GeV.")] = 1e-4,
    alp_energy: Annotated[str, typer.Option(help="Energy of the ALP.")] = "100 GeV",
    plot: Annotated[Path | None, typer.Option(help="Draw mass and coupling of phi to this .png, .pdf or .svg.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print g-2 bands of phi and of S, P, V, A, relic and thermal lines, Landau poles, ALPs, lepton conversion.

    For example:

      emiss constraints

      emiss constraints --mass 0.11GeV --mass 0.3GeV --ratio 3 --ratio 2.5 --plot plane.pdf

      emiss constraints --difference final2025 --json
    """
    import json
    import warnings

    from emiss.commands.quantities import energies, energy
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.drawing import check_suffix
    from emiss.physics.constraints import relic
    from emiss.physics.constraints.g_minus_2 import DIFFERENCES, LOWEST
    from emiss.reach import comparison, figures

    if difference not in DIFFERENCES:
        raise UserError(f"--difference: there is no '{difference}'", hint=did_you_mean(difference, DIFFERENCES))
    if plot is not None:
        check_suffix(plot)
    ratios = ratio or [relic.INVISIBLE, relic.PRINTED]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            asked = energies(mass or MASSES, "--mass")
            of_phi = [m for m in asked if m > LOWEST]
            if plot is not None and not of_phi:
                raise UserError(
                    f"--plot: no mass is above {LOWEST:.6g} GeV: below, the muon decays to an electron and phi"
                )
            options: dict[str, Any] = {"difference": difference, "ratios": ratios, "dark_coupling": dark_coupling}
            data = {
                "phi": comparison.lines(of_phi, **options),
                "moments": comparison.moments(energies(mass or DARK, "--mass"), difference),
                **comparison.others(energies(mass or DARK, "--mass"), alp_coupling, energy(alp_energy, "--alp-energy")),
            }
            made = None if plot is None else figures.plane(comparison.lines(_fine(of_phi), **options))
        except ValueError as error:
            raise UserError(str(error)) from None
    if json_:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    else:
        _print(data)
    if plot is not None and made is not None:
        figures.write(made, plot)
        if not json_:
            say(f"written: {plot}", "dim")
    dark = energies(mass or DARK, "--mass")
    why = "lines of dark matter go from the electron's mass to 1 GeV"
    for text in _left_out(dark, "dark matter", data["thermal"]["m_chi"], why):
        warn(text)
    for text in _left_out(dark, "ALPs", data["alp"]["m_a"], "they are above the energy"):
        warn(text)
    for text in _left_out(asked, "phi", of_phi, f"the muon decays to an electron and phi up to {LOWEST:.6g} GeV"):
        warn(text)
    for text in dict.fromkeys(str(warning.message) for warning in said):
        warn(text)


def _fine(masses: Sequence[float]) -> list[float]:
    """Return masses close to each other over the range of those given, widened where there is only one."""
    import numpy as np

    first, last = min(masses), max(masses)
    return [float(m) for m in np.geomspace(first, max(last, 3.0 * first), 120)]


def _left_out(asked: Sequence[float], of: str, kept: Sequence[float], why: str) -> list[str]:
    """Return what is to be said of masses that a table does not have: one line, or none."""
    missing = [f"{mass:g}" for mass in asked if mass not in kept]
    return [f"masses of {of} left out: {', '.join(missing)} GeV; {why}"] if missing else []


def _print(data: Mapping[str, Any]) -> None:
    phi, bands = data["phi"], data["phi"]["g_minus_2"]["bands"]
    heads = ["m_phi [GeV]"]
    columns: list[Sequence[Any]] = [phi["m_phi"]]
    for sigmas, (low, high) in bands.items():
        heads += [f"{sigmas} sigma", "to"]
        columns += [low, high]
    for line in phi["relic"]:
        heads.append(f"relic {line['ratio']:.3g}")
        columns.append(line["coupling"])
    given = phi["g_minus_2"]
    _table(
        f"coupling h of phi: muon g-2 ({given['difference']:.3g} +- {given['error']:.2g}), relic density",
        heads,
        columns,
    )
    known = data["differences"]
    rows = [list(known), *([item[key] for item in known.values()] for key in ("value", "error"))]
    _table("muon g-2, measured minus predicted", ["--difference", "a_mu", "+-"], rows)
    for name, item in known.items():
        say(f"{name}: {item['source']}", "dim")
    moments = data["moments"]
    for name, bands in moments["epsilon"].items():
        heads, columns = ["m_X [GeV]"], [moments["m_x"]]
        for boson, ends in bands.items():
            heads += [boson, "to"]
            columns += ends
        title = (
            f"eps of an X (g = eps e) that explains g-2 of the {name}, within {moments['sigmas']:g} sigma; 0: none does"
        )
        _table(title, heads, columns)
    thermal = data["thermal"]
    kinds = thermal["epsilon2_alpha_d"]
    title = (
        f"eps^2 alpha_D of thermal dark matter, m_A' = {thermal['ratio']:g} m_chi, annihilation to electrons, muons and hadrons"
        " (p-wave: scalar, Majorana; s-wave: pseudo-Dirac)"
    )
    _table(title, ["m_chi [GeV]", *kinds], [thermal["m_chi"], *kinds.values()])
    landau = data["landau"]
    rows = [[bound[key] for bound in landau] for key in ("kind", "scale", "alpha_d")]
    _table("largest alpha_D without a Landau pole up to a scale", ["dark matter", "scale [GeV]", "alpha_D"], rows)
    alp = data["alp"]
    title = f"ALP to two photons, g = {alp['coupling']:g}/GeV, {alp['energy']:g} GeV"
    heads = ["m_a [GeV]", "width [GeV]", "decay length [m]"]
    _table(title, heads, [alp["m_a"], alp["width"], alp["decay_length_m"]])
    scales = data["lepton_conversion"]["scales"]
    keys = ("transition", "operator", "lowest", "highest", "standing", "experiment")
    heads = ["conversion", "operator", "Lambda [TeV]", "to", "standing", "experiment"]
    source = data["lepton_conversion"]["source"]
    title = f"lepton conversion: scales that are excluded (measured) or would be (expected); {source}"
    _table(title, heads, [[item[key] for item in scales] for key in keys])


def _table(title: str, heads: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    say("")
    say(title)
    if not columns[0]:
        say("no mass in range", "dim")
        return
    table = Table()
    for head, column in zip(heads, columns, strict=True):
        # as Text: markup would take '[m]' for a style
        table.add_column(Text(head), justify="left" if isinstance(column[0], str) else "right")
    for row in zip(*columns, strict=True):
        table.add_row(*(Text(value if isinstance(value, str) else f"{value:.3g}") for value in row))
    print_table(table)
