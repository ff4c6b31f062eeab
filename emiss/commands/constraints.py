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
    difference: Annotated[str, typer.Option(help="Muon g-2 compared with: wp2020 or wp2025.")] = "wp2020",
    alp_coupling: Annotated[float, typer.Option(help="g of an ALP to two photons, 1/GeV.")] = 1e-4,
    alp_energy: Annotated[str, typer.Option(help="Energy of the ALP.")] = "100 GeV",
    plot: Annotated[Path | None, typer.Option(help="Draw mass and coupling of phi to this .png, .pdf or .svg.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print muon g-2 bands and relic lines of phi, thermal lines of a dark photon, Landau poles, ALPs, lepton conversion.

    For example:

      emiss constraints

      emiss constraints --mass 0.11GeV --mass 0.3GeV --ratio 3 --ratio 2.5 --plot plane.pdf

      emiss constraints --difference wp2025 --json
    """
    import json
    import warnings

    from configs.errors import UserError, did_you_mean
    from emiss import figures, sensitivity
    from emiss.commands.quantities import energies, energy
    from physics.constraints import relic
    from physics.constraints.g_minus_2 import DIFFERENCES

    if difference not in DIFFERENCES:
        raise UserError(f"--difference: there is no '{difference}'", hint=did_you_mean(difference, DIFFERENCES))
    if plot is not None:
        figures.check_suffix(plot)
    ratios = ratio or [relic.INVISIBLE, relic.PRINTED]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            of_phi = energies(mass or MASSES, "--mass")
            options: dict[str, Any] = {"difference": difference, "ratios": ratios, "dark_coupling": dark_coupling}
            data = {
                "phi": sensitivity.lines(of_phi, **options),
                **_others(energies(mass or DARK, "--mass"), alp_coupling, energy(alp_energy, "--alp-energy")),
            }
            made = None if plot is None else figures.plane(sensitivity.lines(_fine(of_phi), **options))
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
    for text in dict.fromkeys(str(warning.message) for warning in said):
        warn(text)


def _fine(masses: Sequence[float]) -> list[float]:
    """Return masses close to each other over the range of those given, widened where there is only one."""
    import numpy as np

    first, last = min(masses), max(masses)
    return [float(m) for m in np.geomspace(first, max(last, 3.0 * first), 120)]


def _others(masses: Sequence[float], coupling: float, energy: float) -> dict[str, Any]:
    """Return thermal lines, Landau poles, ALPs and lepton conversion as plain data."""
    from dataclasses import asdict

    from physics.constraints import alps, landau, lepton_conversion, thermal

    if not coupling > 0:
        msg = f"--alp-coupling {coupling:g} is not above 0"
        raise ValueError(msg)
    flying = [m for m in masses if m <= energy]
    return {
        "thermal": {
            "m_chi": list(masses),
            "epsilon2_alpha_d": {kind: thermal.line(masses, kind).tolist() for kind in thermal.LINES},
        },
        "landau": [asdict(bound) for bound in landau.BOUNDS],
        "alp": {
            "coupling": coupling,
            "energy": energy,
            "m_a": flying,
            "width": alps.width(flying, coupling).tolist(),
            "decay_length_m": (alps.decay_length(flying, coupling, energy) / 1e3).tolist(),
        },
        "lepton_conversion": {
            "source": lepton_conversion.SOURCE,
            "limits": [asdict(item) for item in lepton_conversion.LIMITS],
            "sensitivities": [asdict(item) for item in lepton_conversion.SENSITIVITIES],
        },
    }


def _print(data: Mapping[str, Any]) -> None:
    phi, bands = data["phi"], data["phi"]["g_minus_2"]["bands"]
    heads = ["m_phi [GeV]"]
    columns: list[Sequence[float]] = [phi["m_phi"]]
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
    say(f"g-2: {given['source']}", "dim")
    thermal = data["thermal"]
    kinds = thermal["epsilon2_alpha_d"]
    title = "eps^2 alpha_D of thermal dark matter, m_A' = 3 m_chi (p-wave: scalar, Majorana; s-wave: pseudo-Dirac)"
    _table(title, ["m_chi [GeV]", *kinds], [thermal["m_chi"], *kinds.values()])
    landau = data["landau"]
    rows = [[bound[key] for bound in landau] for key in ("kind", "scale", "alpha_d")]
    _table("largest alpha_D without a Landau pole up to a scale", ["dark matter", "scale [GeV]", "alpha_D"], rows)
    alp = data["alp"]
    title = f"ALP to two photons, g = {alp['coupling']:g}/GeV, {alp['energy']:g} GeV"
    heads = ["m_a [GeV]", "width [GeV]", "decay length [m]"]
    _table(title, heads, [alp["m_a"], alp["width"], alp["decay_length_m"]])
    limits = data["lepton_conversion"]["limits"]
    keys = ("transition", "operator", "lowest", "highest", "experiment")
    heads = ["conversion", "operator", "Lambda above [TeV]", "to", "experiment"]
    title = f"lepton conversion ({data['lepton_conversion']['source']})"
    _table(title, heads, [[item[key] for item in limits] for key in keys])


def _table(title: str, heads: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
    from rich.table import Table

    say("")
    say(title)
    table = Table()
    for head, column in zip(heads, columns, strict=True):
        table.add_column(head, justify="left" if column and isinstance(column[0], str) else "right")
    for row in zip(*columns, strict=True):
        table.add_row(*(value if isinstance(value, str) else f"{value:.3g}" for value in row))
    print_table(table)
