"""All commands of ``emiss`` as one application; what they import is imported when one of them runs."""

from __future__ import annotations

from typing import Annotated

import typer

from emiss.commands import (
    background,
    calib,
    check,
    constraints,
    diff,
    doctor,
    field,
    fit,
    inspect,
    limit,
    look,
    look_page,
    merge,
    models,
    monitor,
    new,
    periods,
    plot,
    process,
    quality,
    run,
    scan,
    setup,
    simulate,
    status,
    study,
    tune,
    validate,
    warm_up,
    xsec,
    yields,
)

app = typer.Typer(
    name="emiss",
    help="From NA64 run files to a cutflow: process run files, tune cuts in YAML, read the report.",
    epilog="Start with: emiss process demo --out out/demo",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(process.process)
app.command()(merge.merge)
app.command()(process.select)
app.command()(status.status)
app.command()(scan.scan)
app.command()(tune.tune)
app.command()(plot.plot)
app.command()(monitor.monitor)
app.command()(diff.diff)
app.command()(limit.limit)
app.command()(run.run)
app.command()(periods.periods)
app.command()(background.background)
app.command()(xsec.xsec)
app.command()(constraints.constraints)
app.command()(simulate.simulate)
app.command()(study.study)
app.command()(check.check)
app.command()(doctor.doctor)
app.command()(quality.quality)
app.command()(inspect.inspect)
app.command()(look.dump)
app.command()(look.show)
app.command("look")(look_page.look)
app.command()(look.columns)
app.command()(fit.fit)
app.add_typer(field.app)
app.add_typer(setup.app)
app.add_typer(calib.app)
app.add_typer(new.app)
app.add_typer(validate.app)
app.command()(yields.yields)
app.command()(models.models)
app.command()(warm_up.warm_up)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from emiss.events.provenance import package_version

        typer.echo(f"emiss {package_version()}")
        raise typer.Exit
