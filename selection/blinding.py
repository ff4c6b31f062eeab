"""Blinding: whose events are hidden, and what an output may say of them.

The events inside the box are taken out in one place, before anything is counted (`engine.Bound`). What is left is to say
nothing else from which their number follows: of a blinded sample the outputs give no entry ranges and no sizes of files,
and a ledger of the events outside only. The run files and the event tables are data, not outputs: who may read them can
count their events in any case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.events.language.syntax.tree import names
from emiss.events.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from emiss.configs.place import Text
    from emiss.selection.analysis.model import Analysis

ROLES = ("signal", "background", "data")

WHOLE = ((0, 2**63 - 1),)
"""Stands for the entries of a file of a blinded sample: all that there may be."""


def is_hidden(analysis: Analysis, sample: str | None, role: str | None) -> bool:
    """Return whether an analysis hides events of a sample, by its name or by its role."""
    return analysis.blind is not None and not {sample, role}.isdisjoint(analysis.blind.samples)


def outside(ledger: Ledger, counted: int | None) -> Ledger:
    """Return the ledger of the events outside the box only: what it passed less what was counted would be those inside.

    `counted` is the number of events that were counted; None where nothing was.
    """
    inside = 0 if counted is None else max(0, ledger.passed - counted)
    seen = ledger + Ledger(read=-inside, passed=-inside)
    # what is said of every event would tell how many there are
    return replace(seen, unusable=min(seen.unusable, seen.passed), remarks={})


def sealed_identity(identity: str) -> str:
    """Return ``size:sha256:digest`` of a file without its size."""
    size, _, digest = identity.partition(":")
    return digest if size.isdigit() and digest else identity


def sealed_inputs(inputs: Iterable[Mapping[str, Any]], hidden: Iterable[str]) -> list[dict[str, Any]]:
    """Return the input files of a provenance, those of hidden samples without entry ranges and sizes."""
    names_ = set(hidden)
    sealed = []
    for item in inputs:
        said = dict(item)
        if said.get("sample") in names_:
            said.pop("entries", None)
            said["identity"] = sealed_identity(str(said.get("identity", "")))
        sealed.append(said)
    return sealed


def check(
    analysis: Analysis,
    samples: Mapping[str, str],
    overrides: Iterable[str],
    *,
    unblind: bool,
    elsewhere: Callable[[], Collection[str]] = frozenset,
) -> None:
    """Refuse what would open the box without saying so.

    Parameters
    ----------
    samples : mapping of name to role
        That the analysis is applied to.
    overrides : iterable of str
        Parameters that are set on the command line.
    unblind : bool
        Whether the box is opened on purpose; then everything goes.
    elsewhere : callable, optional
        Gives the names of samples of the same job that the analysis is not applied to; called only where it matters.

    Raises
    ------
    UserError
        If `blind` names neither a sample nor a role, so that it would hide nothing, or the box depends on a parameter that is
        set for this run: the difference of two such runs would be events inside.
    """
    if analysis.blind is None or unblind:
        return
    problems = Problems()
    for name in unknown(analysis, {*samples, *ROLES}):
        others = set(elsewhere())
        if name.value not in others:
            here = [*samples, *others, *ROLES]
            hint = did_you_mean(name.value, here, otherwise="samples and roles are")
            message = f"blind: '{name.value}' is neither a sample nor a role, and would hide nothing"
            problems.add(name.place.error(message, hint=hint))
    if any(is_hidden(analysis, name, role) for name, role in samples.items()):
        for parameter in overrides:
            if parameter in box_parameters(analysis):
                problems.add(
                    UserError(
                        f"--set {parameter}: the blind box depends on it, and would be another one in this run",
                        hint="change the analysis file, or open the box with --unblind",
                    )
                )
    problems.check()


def check_table(analysis: Analysis, sample: str, role: str) -> None:
    """Refuse a table of data by itself, not hidden by an analysis that names something unknown under `blind`.

    Of a table in memory it is not known which other samples there are: the name may be one of them, or a misspelling.

    Raises
    ------
    UserError
        If the events of the table might have to be hidden.
    """
    if role == "data" and not is_hidden(analysis, sample, role):
        check(analysis, {sample: role}, (), unblind=False)


def unknown(analysis: Analysis, known: Collection[str]) -> tuple[Text, ...]:
    """Return the names under `blind` that are not among the known ones."""
    return () if analysis.blind is None else tuple(n for n in analysis.blind.names if n.value not in known)


def box_parameters(analysis: Analysis) -> frozenset[str]:
    """Return the parameters that the box depends on, also through definitions, objects and other parameters."""
    if analysis.blind is None:
        return frozenset()
    used = {name for text in _expressions(analysis) for name in text}
    direct = used & set(analysis.parameters)
    return frozenset(direct).union(*(analysis.parameters[name].uses for name in direct))


def _expressions(analysis: Analysis) -> Iterator[set[str]]:
    """Yield the names used by the box and by all that it uses."""
    assert analysis.blind is not None  # noqa: S101 - the caller has looked
    yield set(names(analysis.blind.box.tree))
    for name in analysis.reachable([analysis.blind.box]):
        if name in analysis.definitions:
            yield set(names(analysis.definitions[name].tree))
        else:
            declared = analysis.objects[name]
            yield set(names(declared.where.tree)) if declared.where else set()
