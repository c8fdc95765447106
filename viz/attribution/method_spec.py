"""How a method with its options is written in one word: `name` or `name:option=value:...`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from viz.attribution.method import Method, Options
from viz.attribution.registry import find_method
from viz.errors import MethodError
from viz.model.classifier import Classifier


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method with the value of every option of it."""

    text: str
    """As it was written."""
    method: Method
    options: Options

    @classmethod
    def parse(
        cls,
        text: str,
        options: Mapping[str, object] | None = None,
        classifier: Classifier | None = None,
    ) -> Self:
        """The method that is meant.

        Args:
            text: As it was written.
            options: What they name goes before what is written.
            classifier: What is explained, which may lack a choice; where None, none is lacked.

        Raises:
            MethodError: for an unknown method, option or value.
        """
        name, *settings = text.split(":")
        method = find_method(name)
        numbers = {option.name for option in method.options if not option.choices}
        values: dict[str, object] = {}
        for setting in settings:
            option, equals, value = setting.partition("=")
            if not equals:
                raise MethodError(
                    f"{text!r} can't be understood; write an option as {name}:option=value."
                )
            values[option] = _number(value) if option in numbers else value
        given = {**values, **(options or {})}
        return cls(text, method, method.resolve_options(given, classifier))


def _number(value: str) -> object:
    """A whole number; anything else is left for the option to refuse."""
    try:
        return int(value)
    except ValueError:
        return value
