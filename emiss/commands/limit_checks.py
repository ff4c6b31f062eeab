"""What the options of ``emiss limit`` may not be, alone and together; asked before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from emiss.commands.limit_options import (
        Background,
        Comparison,
        Corrections,
        Exposure,
        Output,
        Signal,
        Statistics,
    )


def check(
    exposure: Exposure,
    signal: Signal,
    background: Background,
    corrections: Corrections,
    statistics: Statistics,
    comparison: Comparison,
    output: Output,
    export: Sequence[str] = (),
) -> None:
    """Raise a UserError for all options that are wrong."""
    from emiss.reach.period_settings import nucleus

    problems = Problems()
    for problem in (
        *_numbers(exposure, background, corrections, statistics),
        *_names(background, statistics, comparison),
        *_raised(nucleus, corrections.target),
        *_together(exposure, signal, background),
        *_outputs(output, export),
    ):
        problems.add(problem)
    problems.check()


def _numbers(
    exposure: Exposure, background: Background, corrections: Corrections, statistics: Statistics
) -> Iterator[UserError]:
    if any(not 0 < n < float("inf") for n in exposure.eot or ()):
        yield UserError("--eot must be above 0, and finite")
    errors = {
        "--efficiency-error": corrections.efficiency_error,
        "--background-error": background.background_error or 0.0,
        "--eot-error": corrections.eot_error,
    }
    for option, error in errors.items():
        if not 0.0 <= error < float("inf"):
            yield UserError(f"{option} must be 0 or above, and finite")
    if not 0.0 < corrections.efficiency_factor < float("inf"):
        yield UserError("--efficiency-factor must be above 0, and finite")
    if not 0.0 < statistics.confidence < 1.0:
        yield UserError(f"--confidence {statistics.confidence:g}: it lies between 0 and 1")


def _names(background: Background, statistics: Statistics, comparison: Comparison) -> Iterator[UserError]:
    from emiss.physics.constraints.g_minus_2 import DIFFERENCES
    from emiss.physics.limits import METHODS
    from emiss.physics.limits.backgrounds import READINGS
    from emiss.reach.background import EMPTY, check_name

    for option, name, known in (
        ("--method", statistics.method, METHODS),
        ("--difference", comparison.difference, DIFFERENCES),
        ("--empty", background.empty, EMPTY),
        ("--srd-reading", background.srd_reading, READINGS),
    ):
        if name not in known:
            yield UserError(f"{option}: there is no '{name}'", hint=did_you_mean(name, known))
    yield from _raised(check_name, background.background)


def _together(exposure: Exposure, signal: Signal, background: Background) -> Iterator[UserError]:
    """Refuse options that do not go together."""
    eot, observed, data, flow = exposure.eot, exposure.observed, exposure.data, signal.cutflow
    if exposure.periods is not None:
        if eot or observed or data:
            yield UserError("--periods says what --eot, --observed and --data say", hint="leave out one of them")
        return
    if not eot and not data:
        yield UserError(
            "--eot is missing: electrons on target", hint="or --periods FILE, or --data SAMPLE of a cutflow"
        )
    if observed and data:
        yield UserError("--observed and --data both say what was seen", hint="leave out one of them")
    for option, given in (("--observed", observed), ("--data", data)):
        if given and len(given) != exposure.count:
            yield UserError(f"{option} is given {len(given)} times for {exposure.count} periods", hint="once per --eot")
    if signal.mass and (signal.efficiencies or flow):
        yield UserError("--mass is for masses to simulate; the efficiencies are given", hint="leave out one of them")
    if signal.efficiencies and flow and background.background != "cutflow" and not data:
        yield UserError(
            "--cutflow and --efficiencies both give efficiencies", hint="leave out one, or add --background cutflow"
        )
    if signal.signal and not flow:
        yield UserError("--signal is for the samples of a cutflow", hint="--sample names what to simulate")
    if data and not flow:
        yield UserError("--data names a sample of a cutflow, and there is no --cutflow")
    if background.background == "cutflow" and not flow:
        yield UserError("--background cutflow needs --cutflow")


def _outputs(output: Output, export: Sequence[str]) -> Iterator[UserError]:
    from emiss.drawing import check_suffix

    for kind in export:
        if kind != "pyhf":
            yield UserError(f"--export {kind}: without --search there is 'pyhf'")
    if export and output.out is None:
        yield UserError("--export writes into a folder", hint="--out FOLDER")
    if output.plot is not None:
        yield from _raised(check_suffix, output.plot)
    if output.out is not None and output.out.exists() and not output.out.is_dir():
        yield UserError(f"--out: {output.out} is a file, not a folder")


def _raised(test: Callable[[Any], object], value: object) -> Iterator[UserError]:
    """Return what a check has against a value."""
    try:
        test(value)
    except UserError as error:
        yield error
