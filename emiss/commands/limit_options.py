"""Options of ``emiss limit`` in groups, in the order of its help."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emiss.commands import completing
from emiss.commands.places import PLACE

if TYPE_CHECKING:
    from emiss.physics.limits.backgrounds import Budget
    from emiss.samples.config import Sample


@dataclass(frozen=True)
class General:
    """A search from a file, in its own plane; without one it is e N -> mu N phi and the options below."""

    search: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.searches,
            help="A search that ships (invisible, alp, muon, ...) or a file: limits in its own plane.",
        ),
    ] = None
    on_target: Annotated[
        str | None,
        typer.Option(
            help="Search: particles on target of one period with its set-up, or which reading of the exposures of "
            "periods is taken (published, line, ...; 'emiss periods' shows them)."
        ),
    ] = None
    flat_efficiency: Annotated[
        float | None, typer.Option(help="Search: one efficiency for all masses, and nothing is simulated.")
    ] = None
    compare: Annotated[
        list[Path] | None,
        typer.Option(help="Search: table of a curve (GeV, coupling): ratios to it, and a line; may be repeated."),
    ] = None
    columns: Annotated[
        str,
        typer.Option(help="Search: columns of the tables, by name or number, such as m,eps. Default: the first two."),
    ] = ""
    draw: Annotated[
        list[Path] | None,
        typer.Option(help="Search: table of a curve that is drawn beside the limit; may be repeated."),
    ] = None
    independent: Annotated[
        list[str] | None,
        typer.Option(
            help="Search: errors that periods do not share: 'efficiency', 'background', 'exposure' (of pyhf); repeatable."
        ),
    ] = None
    export: Annotated[
        list[str] | None,
        typer.Option(help="Into --out also as 'pyhf', a search also as 'hepdata'; may be repeated."),
    ] = None

    def given(self) -> list[str]:
        """Return the options that are for a search alone and are given."""
        return [
            f"--{field.name.replace('_', '-')}"
            for field in fields(self)
            if field.name not in ("search", "export") and getattr(self, field.name) != field.default
        ]


@dataclass(frozen=True)
class Exposure:
    """How many electrons, and what was seen: once per period of data taking."""

    eot: Annotated[
        list[float] | None, typer.Option("--eot", help="Electrons on target; once per period of data taking.")
    ] = None
    observed: Annotated[
        list[int] | None, typer.Option(min=0, help="Events observed; once per period. Default: a projection.")
    ] = None
    data: Annotated[
        list[str] | None, typer.Option(help="Data sample of the cutflow: its events are observed; once per period.")
    ] = None
    periods: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of periods, each with its own exposure, efficiencies, background; of a search their names: "
            "A..B, A,B."
        ),
    ] = None

    @property
    def count(self) -> int:
        """Periods that the options speak of."""
        return len(self.eot or self.data or ())


@dataclass(frozen=True)
class Signal:
    """Where the efficiencies come from."""

    analysis: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.analyses, help="Analysis: a name that ships, or a file. Default: e_to_mu_phi."
        ),
    ] = None
    cutflow: Annotated[
        Path | None,
        typer.Option(**PLACE, help="cutflow.json with signal samples of several masses: their efficiencies."),
    ] = None
    efficiencies: Annotated[
        Path | None, typer.Option(help="CSV table of efficiencies: m_phi (GeV), efficiency, error, threshold (GeV).")
    ] = None
    signal: Annotated[
        list[str] | None, typer.Option(help="NAME=SAMPLE.yaml: what a signal sample was made from, if it does not say.")
    ] = None
    sample: Annotated[
        str,
        typer.Option(
            autocompletion=completing.samples, help="Signal sample to simulate where no efficiencies are given."
        ),
    ] = "signal_weighted"
    mass: Annotated[list[str] | None, typer.Option(help="Mass to simulate, with unit; may be repeated.")] = None
    events: Annotated[
        int | None,
        typer.Option(min=1, help="Events to simulate per mass. Default: 5000; of a search 400 per signature."),
    ] = None
    region: Annotated[str | None, typer.Option(help="Region of the analysis. Default: the first.")] = None

    def known(self) -> dict[str, Sample]:
        """Return what samples were made from that do not say it.

        Raises
        ------
        UserError
            If an option is not of the form NAME=SAMPLE.yaml, or a file is wrong.
        """
        from emiss.configs.errors import UserError
        from emiss.samples.config import load_sample

        known = {}
        for text in self.signal or ():
            name, sign, file = text.partition("=")
            if not sign or not name or not file:
                raise UserError(f"--signal {text}: write NAME=SAMPLE.yaml")
            known[name] = load_sample(file)
        return known


@dataclass(frozen=True)
class Background:
    """What is left besides the signal."""

    background: Annotated[
        str,
        typer.Option(
            help="'budget' (the paper's, for the cuts of e_to_mu_phi), 'cutflow' (its background samples), events per "
            "electron, or 'auto': the budget if the cuts are its own, else the cutflow."
        ),
    ] = "auto"
    empty: Annotated[
        str,
        typer.Option(
            help="Processes of which the simulation left nothing: 'bound' (what it leaves room for) or 'zero'."
        ),
    ] = "bound"
    background_error: Annotated[
        float | None, typer.Option(min=0.0, help="Relative error of the background, in the place of its own.")
    ] = None
    srd_factor: Annotated[float | None, typer.Option(help="Budget: what the SRD leaves of hadrons (2e-5).")] = None
    srd_reading: Annotated[
        str, typer.Option(help="Budget: 2e-5 is a 'factor' on the beam's hadrons, or the 'level' that is left.")
    ] = "factor"

    def budget(self, *, used: bool) -> Budget:
        """Return the paper's budget with the options of the SRD; they are refused where no period may use it.

        Raises
        ------
        UserError
            For a factor that is no share, or options that nothing uses.
        """
        from emiss.configs.errors import UserError
        from emiss.physics.limits.backgrounds import READING
        from emiss.reach.budgets import paper

        if self.srd_factor is not None and not 0.0 < self.srd_factor <= 1.0:
            raise UserError(f"--srd-factor {self.srd_factor:g}: a share of hadrons lies between 0 and 1")
        if not used and (self.srd_factor is not None or self.srd_reading != READING):
            raise UserError("--srd-factor and --srd-reading are for the budget, and the background is another one")
        return paper().with_srd(self.srd_factor, self.srd_reading)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Corrections:
    """Errors and factors that hold for all periods."""

    efficiency_error: Annotated[
        float, typer.Option(min=0.0, help="Relative error of the efficiency, besides its statistical one.")
    ] = 0.0
    efficiency_factor: Annotated[
        float, typer.Option(help="Factor on efficiencies: trigger, dead time, what the simulation does not have.")
    ] = 1.0
    eot_error: Annotated[float, typer.Option(min=0.0, help="Relative error of the electrons on target.")] = 0.0
    variations: Annotated[
        bool,
        typer.Option(
            "--variations/--no-variations", help="Take systematic variations of a cutflow as errors of the limit."
        ),
    ] = True
    target: Annotated[str, typer.Option(help="Material of the target: lead, tungsten, copper, iron, ...")] = "lead"


@dataclass(frozen=True)
class Table:
    """What a table of efficiencies does not say."""

    threshold: Annotated[str, typer.Option(help="Lowest energy of emitting electrons, for a table without it.")] = (
        "20 GeV"
    )
    beam_energy: Annotated[str, typer.Option(help="Energy of the beam, for a table.")] = "100 GeV"


@dataclass(frozen=True)
class Statistics:
    """How the limit is computed."""

    confidence: Annotated[float, typer.Option(help="Confidence level.")] = 0.9
    method: Annotated[str, typer.Option(help="auto, exact, toys or asymptotic.")] = "auto"


@dataclass(frozen=True)
class Comparison:
    """What the limit is compared with."""

    difference: Annotated[str, typer.Option(help="Muon g-2 compared with: wp2020, wp2025 or final2025.")] = "wp2020"
    ratio: Annotated[list[float] | None, typer.Option(help="m_phi over dark matter's mass; once per relic line.")] = (
        None
    )


@dataclass(frozen=True)
class Output:
    """Where the curve goes."""

    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the curve as JSON, CSV, PNG, PDF.")] = None
    plot: Annotated[Path | None, typer.Option(help="Draw it to this .png, .pdf or .svg.")] = None
    json_: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False
