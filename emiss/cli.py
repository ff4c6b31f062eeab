"""The command ``emiss``: how mistakes, lost data, bugs and signals leave it (exit codes 2, 3, 1, and 128 + signal)."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from emiss.interrupt import ends_on_signals


class Output(TextIOWrapper):
    """Standard output whose failures say that they are of it, where the disk that it goes to is full."""

    def write(self, text: str) -> int:
        """Write a text."""
        return int(self._named(super().write, text))

    def flush(self) -> None:
        """Hand on what is held."""
        self._named(super().flush)

    @staticmethod
    def _named(do: Any, *given: str) -> Any:
        try:
            return do(*given)
        except OSError as error:
            error.filename = "standard output"
            raise


def main() -> None:
    """Run the command line; a user's mistake ends with its message and code 2, lost data with code 3, Ctrl-C with 130."""
    if sys.stdout is None:  # closed by who has started us: what is said is not wanted
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    elif type(sys.stdout) is TextIOWrapper:
        own = sys.stdout
        sys.stdout = Output(own.buffer, own.encoding, own.errors, line_buffering=own.line_buffering)
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
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # the reader of our output has gone, e.g. | head
            _silence()
            sys.exit(0)
        raise
    except OSError as error:
        outside = of_surroundings(error)
        if outside is None:
            raise
        typer.echo(outside.render(), err=True)
        sys.exit(outside.exit_code)


def _silence() -> None:
    """Send the rest of standard output to nowhere, so that the interpreter does not stumble over it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    main()
