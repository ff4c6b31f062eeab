"""JSON schemas of the YAML files that users write, made from the models that read them; they ship in ``schemas``.

python -m emiss.new.json_schemas     # writes them again, after a model has changed
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from emiss.configs import schema as quantities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic_core import core_schema

FOLDER = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """What YAML may hold where a model reads a text with a unit, or an empty section."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """Return the schema of a text: in YAML one that looks like a number is none to an editor."""
        return {**super().str_schema(schema), "type": ["string", "number"]}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Return the schema of a quantity, or of a section that may be empty."""
        inner = super().function_before_schema(schema)
        function: Any = schema["function"]["function"]
        if isinstance(function, partial) and function.func is quantities._quantity:  # noqa: SLF001 - our own
            return {"type": ["number", "string"]}
        return {"anyOf": [inner, {"type": "null"}]} if inner.get("type") == "object" else inner


def models() -> Mapping[str, type[BaseModel]]:
    """Return the model of each kind of file; a detector file is a part of one where it extends another, and has none."""
    from emiss.reco.readers.foreign.schema import ReaderMap
    from emiss.runlist import RunListFile
    from emiss.samples.config import Sample
    from emiss.selection.analysis.schema import AnalysisModel

    return {"analysis": AnalysisModel, "map": ReaderMap, "runs": RunListFile, "sample": Sample}


def made(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a kind of file."""
    found = models()[kind].model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": DIALECT, **found, "title": f"emiss {kind}"}


def text(kind: str) -> str:
    """Return the text of a schema as it ships."""
    return json.dumps(made(kind), indent=1, sort_keys=True) + "\n"


def shipped(kind: str) -> Path:
    """Return the file of the schema of a kind of file."""
    return FOLDER / f"{kind}.json"


if __name__ == "__main__":
    for name in models():
        shipped(name).write_text(text(name), encoding="utf-8")
