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
from emiss.configs.overlay import EXTENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic_core import core_schema

FOLDER = Path(__file__).parent / "schemas"
LAYERED = ("detector",)
"""Kinds of files that may stand on top of another one."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """What YAML may hold where a model reads a text with a unit, or an empty section."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """Return the schema of a text: in YAML one that looks like a number is none to an editor."""
        return {**super().str_schema(schema), "type": ["string", "number"]}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Return the schema of a quantity, of a section that may be empty, or of what the validator says that it takes."""
        inner = super().function_before_schema(schema)
        if "json_schema_input_schema" in schema or schema["schema"]["type"] == "model-fields":
            return inner
        function: Any = schema["function"]["function"]
        if isinstance(function, partial) and function.func is quantities._quantity:  # noqa: SLF001 - our own
            return {"type": ["number", "string"]}
        return {"anyOf": [inner, {"type": "null"}]} if inner.get("type") == "object" else inner


def models() -> Mapping[str, type[BaseModel]]:
    """Return the model of each kind of file."""
    from emiss.monitor.rules import MonitorFile
    from emiss.plot.wanted import FigureFile
    from emiss.programme.periods import PeriodsFile
    from emiss.programme.search_file import SearchFile
    from emiss.reach.budgets import BudgetFile
    from emiss.reco.detector.model import Detector
    from emiss.reco.readers.foreign.schema import ReaderMap
    from emiss.runlist import RunListFile
    from emiss.samples.config import Sample
    from emiss.selection.analysis.schema import AnalysisModel

    return {
        "analysis": AnalysisModel,
        "budget": BudgetFile,
        "detector": Detector,
        "figure": FigureFile,
        "map": ReaderMap,
        "monitor": MonitorFile,
        "periods": PeriodsFile,
        "runs": RunListFile,
        "sample": Sample,
        "search": SearchFile,
    }


def made(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a kind of file."""
    found = models()[kind].model_json_schema(by_alias=True, schema_generator=_Generator)
    if kind in LAYERED:
        found = _of_a_layer(found)
        found["properties"][EXTENDS] = {"type": "string"}
    return {"$schema": DIALECT, **found, "title": f"emiss {kind}"}


def _of_a_layer(schema: Any) -> Any:
    """Return the schema of a file that may say a part of it, on top of another: nothing has to be there, all may be null.

    What is still found are keys that there are none of, and values that no kind of part has.
    """
    if isinstance(schema, list):
        return [_of_a_layer(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _of_a_layer(value) for name, value in schema.items() if name not in ("required", "discriminator")}
    if "oneOf" in made:  # without what has to be there, several kinds may fit
        made["anyOf"] = made.pop("oneOf")
    for name in ("properties", "$defs"):
        if name in schema:
            made[name] = {key: _of_a_layer(value) for key, value in schema[name].items()}
    if "properties" in made:
        made["properties"] = {key: {"anyOf": [value, {"type": "null"}]} for key, value in made["properties"].items()}
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = {"anyOf": [made["additionalProperties"], {"type": "null"}]}
    return made


def text(kind: str) -> str:
    """Return the text of a schema as it ships."""
    return json.dumps(made(kind), indent=1, sort_keys=True) + "\n"


def shipped(kind: str) -> Path:
    """Return the file of the schema of a kind of file."""
    return FOLDER / f"{kind}.json"


if __name__ == "__main__":
    for name in models():
        shipped(name).write_text(text(name), encoding="utf-8")
