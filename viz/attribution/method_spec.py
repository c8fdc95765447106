"""How a method with its options is written in one word: `name` or `name:option=value:...`."""

from viz.attribution import known
from viz.attribution.method import Method, Options
from viz.errors import MethodError


def parse(entry: str) -> tuple[Method, Options]:
    """The method that is meant, and the value of every option of it.

    Raises:
        MethodError: for an unknown method, option or value.
    """
    name, *given = entry.split(":")
    method = known(name)
    numbers = {option.name for option in method.options if not option.choices}
    options: dict[str, object] = {}
    for setting in given:
        option, equals, value = setting.partition("=")
        if not equals:
            raise MethodError(
                f"{entry!r} can't be understood; write an option as {name}:option=value."
            )
        options[option] = _number(value) if option in numbers else value
    return method, method.chosen(options)


def _number(value: str) -> object:
    """A whole number; what is none is left for the option to refuse."""
    try:
        return int(value)
    except ValueError:
        return value
