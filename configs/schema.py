"""The base of all config models: closed, frozen, with quantities that carry units.

Fields are typed with `Energy`, `Length`, ... so that a model reads like the table of its units:

    class Plane(Model):
        z: Length
        sigma: Length = 0.1
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from emiss.configs.errors import did_you_mean, suggest
from emiss.configs.units import ENERGY, FIELD, LENGTH, PURE, TIME, Dimension, UnitError, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails


class Model(BaseModel):
    """A closed, frozen model: an unknown key is an error that names the closest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, populate_by_name=True)
    elsewhere: ClassVar[str] = ""
    """What to do about an unknown key that resembles none of the known ones."""

    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return cls._closed(data, handler)

    @classmethod
    def _closed(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse unknown keys, together with all that is wrong behind the known ones."""
        taken = _taken(cls)
        unknown = [key for key in data if key not in taken] if isinstance(data, dict) else []
        if not unknown:
            return handler(data)
        known = [field.alias or name for name, field in cls.model_fields.items()]
        errors = [_unknown(str(key), known, data, cls.elsewhere) for key in unknown]
        try:
            handler({key: value for key, value in data.items() if key not in unknown})
        except ValidationError as error:
            # a key that is missing may be one that is misspelt
            errors += [_again(item) for item in error.errors(include_url=False) if not _misspelt(item, unknown)]
        raise ValidationError.from_exception_data(cls.__name__, errors)


@cache
def _taken(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys that a model takes: in files its fields go by their aliases, in Python code by their names."""
    return frozenset(model.model_fields).union(field.alias for field in model.model_fields.values() if field.alias)


def _unknown(key: str, known: list[str], data: Any, elsewhere: str) -> InitErrorDetails:
    near = next((name for name in suggest(key, known) if name not in data), "")
    hint = elsewhere if elsewhere and not suggest(key, known, alike=0.75) else did_you_mean(key, known)
    context = {"key": key, "hint": hint, "near": near}
    return InitErrorDetails(type=PydanticCustomError("unknown_key", "unknown key '{key}'; {hint}", context), input=data)


def _again(item: ErrorDetails) -> InitErrorDetails:
    """Return an error that pydantic has reported as one to be reported."""
    kind = PydanticCustomError(item["type"], item["msg"], item.get("ctx"))
    return InitErrorDetails(type=kind, loc=item["loc"], input=item["input"])


def _misspelt(item: ErrorDetails, unknown: list[str]) -> bool:
    return item["type"] == "missing" and len(item["loc"]) == 1 and bool(suggest(str(item["loc"][0]), unknown, 1))


def by_kind(what: str, known: Iterable[str], without: str = "") -> Discriminator:
    """Return what chooses a model of several, tagged by their kinds, for a mapping by its `kind`; `without` one it is that."""

    def kind(value: Any) -> str:
        found = value.get("kind", without) if isinstance(value, dict) else getattr(value, "kind", without)
        return str(found)

    context: dict[str, Any] = {"what": what, "known": ", ".join(known)}
    return Discriminator(
        kind,
        custom_error_type="kind",
        custom_error_message="no such kind of {what}; known: {known}",
        custom_error_context=context,
    )


def _quantity(dimension: Dimension, value: Any) -> Any:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value  # from Python code, in base units; YAML scalars come as text
    if not isinstance(value, str):
        raise PydanticCustomError("quantity", "a quantity such as '1 {unit}' is needed here", {"unit": str(dimension)})
    try:
        return parse_quantity(value, dimension)
    except UnitError as error:
        raise PydanticCustomError("quantity", "{message}", {"message": str(error)}) from None


def _of(dimension: Dimension) -> BeforeValidator:
    return BeforeValidator(partial(_quantity, dimension))


Energy = Annotated[float, _of(ENERGY)]
Length = Annotated[float, _of(LENGTH)]
Time = Annotated[float, _of(TIME)]
Velocity = Annotated[float, _of(LENGTH / TIME)]
Field = Annotated[float, _of(FIELD)]
Angle = Annotated[float, _of(PURE)]
Number = Annotated[float, _of(PURE)]


def dump(model: BaseModel) -> Mapping[str, Any]:
    """Return a model as plain JSON data in base units (for hashes and provenance)."""
    return model.model_dump(mode="json")
