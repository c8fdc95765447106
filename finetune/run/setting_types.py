"""The types of settings with their ranges, and the one sentence on a value outside of them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from finetune.checkpoint.truncation import MIN_LENGTH
from finetune.errors import ConfigError, quoted

MAX_NUMBER = 10**9
"""What no number of a setting exceeds; libraries count in 32 bits here and there."""

Whole = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Positive = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Tokens = Annotated[int, Field(ge=MIN_LENGTH, le=MAX_NUMBER)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelow1 = Annotated[float, Field(ge=0, lt=1)]
Minutes = Annotated[float, Field(ge=0, le=MAX_NUMBER)]
Sources = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: tuple(value) if type(value) is list else value)
]
"""Files, folders or Hub names; a list where they come from a file or the command line."""
Folder = Annotated[
    Path, BeforeValidator(lambda value: Path(value) if isinstance(value, str) else value)
]
Factor = Annotated[float, Field(gt=0, le=1)]

STRICT = ConfigDict(strict=True, use_attribute_docstrings=True)
"""No text is taken for a number; the docstring below a field is its help."""

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
"""Entries of a JSON schema, in words."""
TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}


class Settings:
    """A record of settings; the first value that one can't have is refused in a sentence."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_in_one_sentence(cls, values: Any, build: Callable[[Any], Any]) -> Any:
        try:
            return build(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            if first["type"] == "unexpected_keyword_argument":
                raise ConfigError(f"there is no setting {quoted(name)}") from None
            if first["type"] == "missing":
                raise ConfigError(f"{option_name(name)} is missing") from None
            raise ConfigError(refusal(cls, name, first["input"], option_name(name))) from None


def option_name(name: str) -> str:
    """The command-line option of a setting."""
    return "--" + name.replace("_", "-")


def switch_name(name: str, on: bool) -> str:
    """The command-line option that turns a setting on or off."""
    return option_name(name) if on else "--no-" + name.replace("_", "-")


def refusal(record: type, name: str, value: object, what: str) -> str:
    """The sentence on a *value* that the field *name* of a *record* can't have.

    Args:
        record: A record of settings.
        name: The name of the setting.
        value: What it was given.
        what: What the sentence calls the setting.
    """
    return f"{what} is {quoted(value)}; it has to be {_allowed(_schema(record, name), value)}"


def bounds(record: type, name: str) -> tuple[Any, Any]:
    """The least and the largest number that a field can be, where its type includes them."""
    schema = _schema(record, name)
    return schema.get("minimum"), schema.get("maximum")


def _schema(record: type, name: str) -> Mapping[str, Any]:
    schema = TypeAdapter(record).json_schema()["properties"][name]
    return next((each for each in schema.get("anyOf", ()) if each["type"] != "null"), schema)


def _allowed(schema: Mapping[str, Any], value: object) -> str:
    """What a setting may be: its type where *value* is of another, else its range."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    kind = schema["type"]
    numbers = (int, float) if kind == "number" else int if kind == "integer" else ()
    if isinstance(value, bool) or not isinstance(value, numbers):
        return TYPES.get(kind, "text in quotes")
    return " and ".join(
        f"{words} {f'{limit:,}' if limit == MAX_NUMBER else limit}"
        for bound, words in BOUNDS.items()
        if (limit := schema.get(bound)) is not None
        # The cap that all numbers share is news to those alone who are above it.
        and (limit != MAX_NUMBER or value > MAX_NUMBER)
    )
