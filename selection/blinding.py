"""Blinding: whose events are hidden, and what an output may say of them.

The events inside the box are taken out in one place, before anything is counted (`engine.Bound`). What is left is to say
nothing else from which their number follows: of a blinded sample the outputs give no entry ranges and no sizes of files,
and a ledger of the events outside only. The run files and the event tables are data, not outputs: who may read them can
count their events in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from configs.errors import UserError, did_you_mean
from events.language.tree import names
from events.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from selection.analysis import Analysis
    from selection.counts import Regions

ROLES = ("signal", "background", "data")

WHOLE = ((0, 2**63 - 1),)
"""Stands for the entries of a file of a blinded sample: all that there may be."""


def is_hidden(analysis: Analysis, sample: str | None, role: str | None) -> bool:
    """Return whether an analysis hides events of a sample, by its name or by its role."""
    return analysis.blind is not None and not {sample, role}.isdisjoint(analysis.blind.samples)


def outside(ledger: Ledger, regions: Regions) -> Ledger:
    """Return the ledger of the events outside the box only: what it passed less what was counted would be those inside."""
    counted = [rows[0].sequential.n for variations in regions.values() for rows in variations.values()]
    inside = max(0, ledger.passed - max(counted, default=ledger.passed))
    return ledger + Ledger(read=-inside, passed=-inside)


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


def check(analysis: Analysis, samples: Mapping[str, str], overrides: Iterable[str], *, unblind: bool) -> None:
    """Refuse what would open the box without saying so.

    Parameters
    ----------
    samples : mapping of name to role
        That the analysis is applied to.
    overrides : iterable of str
        Parameters that are set on the command line.
    unblind : bool
        Whether the box is opened on purpose; then everything goes.

    Raises
    ------
    UserError
        If `blind` names nothing that there is while there are data, or the box depends on a parameter that is set for this
        run: the difference of two such runs would be events inside.
    """
    if analysis.blind is None or unblind:
        return
    known = {*samples, *ROLES}
    unsure = any(role == "data" and not is_hidden(analysis, name, role) for name, role in samples.items())
    for name in analysis.blind.samples:
        if name not in known and unsure:
            hint = did_you_mean(name, known)
            raise UserError(f"blind: '{name}' is neither a sample nor a role, and would hide nothing", hint=hint)
    if any(is_hidden(analysis, name, role) for name, role in samples.items()):
        for parameter in overrides:
            if parameter in box_parameters(analysis):
                raise UserError(
                    f"--set {parameter}: the blind box depends on it, and would be another one in this run",
                    hint="change the analysis file, or open the box with --unblind",
                )


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
