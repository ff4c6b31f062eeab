"""What is wrong with a search file: its models, set-ups, places of decay, periods, background and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss import selection
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.programme.counted import Asked, background_of, periods_of
from emiss.programme.search_file import load_search
from emiss.programme.search_lines import check as check_lines

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.programme.search_file import SearchFile


def check_search(path: Path) -> str:
    """Return what a search is, in a line.

    Raises
    ------
    UserError
        For all that is wrong with it: at its place in the file where it has one.
    """
    search = load_search(path)
    problems = Problems()
    _regions(search, problems)
    try:
        check_lines(search)
    except UserError as error:
        problems.add(error)
    try:
        left = background_of(search, "")
        # one period alone takes the set-up of the search, which its periods need not name
        periods_of(search, Asked(on_target=1.0), left)
        periods = periods_of(search, Asked(), left)
    except UserError as error:
        problems.add(error)
    problems.check()
    masses = sum(len(case.masses or search.masses) for case in search.cases.values())
    names = ", ".join(one.name for one in periods)
    return f"search, {len(search.cases)} cases, {masses} masses, background: {left.source}, periods: {names}"


def _regions(search: SearchFile, problems: Problems) -> None:
    """Add the regions that the analysis lacks."""
    try:
        known = list(selection.load(search.analysis).regions)
    except UserError as error:
        problems.add(search.document.error(error.message, ("analysis",), hint=error.hint))
        return
    for case, written in search.cases.items():
        path: tuple[str | int, ...] = ("cases", case, "signatures") if written.signatures else ("signatures",)
        for position, one in enumerate(search.signatures_of(case)):
            if one.region and one.region not in known:
                hint = did_you_mean(one.region, known)
                text = f"the analysis '{search.analysis}' has no region '{one.region}'"
                problems.add(search.document.error(text, (*path, position, "region"), hint=hint))
