"""Functions of an analysis: ``functions: {mt(pt, phi): sqrt(...)}``, read and checked as far as no table is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.events.language import plug_in
from emiss.events.language.syntax.expression import FunctionDeclaration, read_expression
from emiss.events.language.syntax.functions import FUNCTIONS
from emiss.events.language.syntax.tokens import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emiss.configs.errors import Problems
    from emiss.configs.place import Text
    from emiss.selection.analysis.schema import AnalysisModel

_HEAD = re.compile(r"\s*([^\W\d]\w*)\s*\(\s*([^()]*?)\s*\)\s*")
_HINT = "write 'mt(pt, phi): sqrt(...)'"


def names(written: Iterable[str]) -> frozenset[str]:
    """Return the names of functions from how they are declared, ``mt(pt, phi)``."""
    return frozenset(match[1] for head in written if (match := _HEAD.fullmatch(head)))


def read(tree: AnalysisModel, problems: Problems) -> dict[str, FunctionDeclaration]:
    """Return the functions that an analysis declares; what is wrong with them is noted in `problems`."""
    made: dict[str, FunctionDeclaration] = {}
    for head, body in tree.functions.items():
        try:
            function = _function(head, body, tree)
        except UserError as error:
            problems.add(error)
            continue
        if function.name in made:
            problems.add(body.place.error(f"the function '{function.name}' is there twice", key=True))
        made[function.name] = function
    return made


def _function(head: str, body: Text, tree: AnalysisModel) -> FunctionDeclaration:
    match = _HEAD.fullmatch(head)
    if match is None:
        raise body.place.error(f"'{head}' is no name with arguments in brackets", key=True, hint=_HINT)
    name, arguments = match[1], tuple(part.strip() for part in match[2].split(",")) if match[2] else ()
    if name in FUNCTIONS or name in RESERVED:
        raise body.place.error(f"'{name}' is a word of the language and cannot be the name of a function", key=True)
    if (other := plug_in.find(name)) is not None:
        raise body.place.error(f"the {other} has the name '{name}', too", key=True, hint="rename the function")
    if not arguments:
        hint = f"a function without arguments is a definition: 'define: {{{name}: ...}}'"
        raise body.place.error(f"the function '{name}' has no arguments", key=True, hint=hint)
    for at, argument in enumerate(arguments):
        if not argument.isidentifier() or argument in RESERVED:
            raise body.place.error(f"'{argument}' cannot be the name of an argument", key=True, hint=_HINT)
        if argument in arguments[:at]:
            raise body.place.error(f"two arguments of '{name}' are called '{argument}'", key=True)
        for kind, taken in (("parameter", tree.parameters), ("definition", tree.define), ("object", tree.objects)):
            if argument in taken:
                message = f"the argument '{argument}' of '{name}' has the name of a {kind}"
                raise body.place.error(message, key=True, hint="rename the argument")
    return FunctionDeclaration(name, arguments, read_expression(body))
