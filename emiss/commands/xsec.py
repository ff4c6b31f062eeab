"""``emiss xsec``: cross sections of l N -> l' N phi and l N -> l N X, and the figures of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("spectra", "totals", "ratios")
DRAWN = {
    "spectra": ["110 MeV", "500 MeV", "1 GeV"],
    "totals": ["110 MeV", "1 GeV"],
    "ratios": ["110 MeV", "300 MeV", "700 MeV"],
}
"""Masses of the figures where none is given."""


def xsec(
    mass: Annotated[
        list[str] | None, typer.Option("--mass", "-m", help="Mass of phi, with unit; may be repeated.")
    ] = None,
    energy: Annotated[
        list[str] | None, typer.Option("--energy", "-e", help="Energy of the lepton, with unit; may be repeated.")
    ] = None,
    coupling: Annotated[float, typer.Option(help="h; cross sections are proportional to its square.")] = 1e-4,
    beam: Annotated[str, typer.Option(help="Incoming lepton: electron, muon or tau.")] = "electron",
    final: Annotated[str, typer.Option(help="Outgoing lepton.")] = "muon",
    boson: Annotated[
        str,
        typer.Option(help="chiral: the phi that turns one lepton into the other; S, P, V or A: an X of one lepton."),
    ] = "chiral",
    inelastic: Annotated[
        bool,
        typer.Option(
            "--inelastic",
            help="Count nuclei that break up, too (at 100 GeV 2 % at 0.11 GeV, 4 % at 1 GeV, 31 % at 3 GeV).",
        ),
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw a figure to this .png, .pdf or .svg.")] = None,
    figure: Annotated[
        str,
        typer.Option(help="Which: 'spectra' in x and angle, 'totals' against energy, 'ratios' to the exact totals."),
    ] = "totals",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print total cross sections on lead: exact tree level, Weizsaecker-Williams and improved Weizsaecker-Williams.

    For example:

      emiss xsec --mass 0.11GeV --mass 1GeV --energy 50GeV --energy 100GeV

      emiss xsec --figure spectra --plot fig1.pdf

      emiss xsec --beam muon --final electron --mass 300MeV --energy 160GeV --json

      emiss xsec --boson A --beam muon --mass 100MeV --energy 160GeV
    """
    import json
    import warnings
    from dataclasses import replace

    from emiss.commands.quantities import energies
    from emiss.configs.errors import UserError
    from emiss.physics.constants import LEAD
    from emiss.physics.quadrature import ConvergenceError
    from emiss.reach import cross_section_table

    if plot is not None:
        from emiss.drawing import check_suffix

        check_suffix(plot)
    if figure not in KINDS:
        raise UserError(f"--figure: there is no '{figure}'", hint=f"there are {', '.join(KINDS)}")
    if not 0.0 < coupling < float("inf"):
        raise UserError(f"--coupling {coupling:g} is not above 0")
    masses = energies(mass or ["110 MeV", "300 MeV", "1 GeV"], "--mass")
    leptons = energies(energy or ["100 GeV"], "--energy")
    nucleus = replace(LEAD, inelastic=inelastic)
    shared: dict[str, Any] = {"coupling": coupling, "beam": beam, "final": final, "nucleus": nucleus}
    if boson != "chiral":
        if plot is not None:
            raise UserError("--plot: figures are of the phi that turns one lepton into the other")
        shared |= {"final": beam, "boson": boson}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            rows = cross_section_table.rows(masses, leptons, **shared)
            made = None
            if plot is not None:
                drawn = energies(mass or DRAWN[figure], "--mass")
                made = cross_section_table.drawn(figure, drawn, leptons, **shared)
        except (ValueError, ConvergenceError) as error:
            raise UserError(str(error)) from None
    if json_:
        typer.echo(
            json.dumps({**shared, "nucleus": "lead", "inelastic": inelastic, "totals": rows}, indent=1, allow_nan=False)
        )
    else:
        reaction = f"{beam} Pb -> {final} Pb phi, h" if boson == "chiral" else f"{beam} Pb -> {beam} Pb X ({boson}), g"
        _print(rows, f"{reaction} = {coupling:g}, cross sections in pb, {_nuclear(inelastic)}")
    if plot is not None and made is not None:
        from emiss.reach.figures import write

        write(made, plot)
        if not json_:
            say(f"written: {plot}", "dim")
    for text in dict.fromkeys(str(warning.message) for warning in said):
        warn(text)


def _nuclear(inelastic: bool) -> str:
    """Say which form factors are in the numbers."""
    return "elastic and inelastic form factor" if inelastic else "elastic form factor (--inelastic adds break-up)"


def _print(rows: Sequence[dict[str, Any]], title: str) -> None:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for head in ("m_phi [GeV]", "energy [GeV]", "exact", "WW", "improved WW", "WW/exact", "IWW/exact"):
        table.add_column(head, justify="right")
    for row in rows:
        pb = row["pb"]
        shares = [f"{pb[name] / pb['exact']:.4g}" if pb["exact"] else "-" for name in ("ww", "iww")]
        table.add_row(f"{row['m_phi']:g}", f"{row['energy']:g}", *(f"{value:.5g}" for value in pb.values()), *shares)
    print_table(table)
