"""The command ``emiss``: how mistakes, lost data, bugs and signals leave it (exit codes 2, 3, 1, and 128 + signal)."""

from __future__ import annotations

import sys

from emiss.interrupt import ends_on_signals


def main() -> None:
    """Run the command line; a user's mistake ends with its message and code 2, lost data with code 3, Ctrl-C with 130."""
    with ends_on_signals():
        _run()


def _run() -> None:
    import typer

    from emiss.commands.app import app
    from emiss.configs import compiling
    from emiss.configs.errors import EmissError, UserError, of_surroundings

    if not {"-q", "--quiet"} & set(sys.argv):
        compiling.tell(lambda: typer.echo("compiling kernels once ('emiss warm-up' does it ahead) ...", err=True))
    try:
        app()
    except UserError as error:
        typer.echo(error.render(), err=True)
        sys.exit(error.exit_code)
    except EmissError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, e.g. | head
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        outside = of_surroundings(error)
        if outside is None:
            raise
        typer.echo(outside.render(), err=True)
        sys.exit(outside.exit_code)


if __name__ == "__main__":
    main()
