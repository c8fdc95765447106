"""The names of classes as `id2label` of a config.json lists them, each of them one class's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


def names_by_number(id2label: Mapping[Any, object]) -> tuple[str, ...]:
    """The names of classes in the order of their numbers, which a file may list in any other.

    No two are the same (`distinct_names`). Empty where they aren't numbered from 0 without a gap.
    """
    names = {str(number): str(name) for number, name in id2label.items()}
    numbers = [str(number) for number in range(len(names))]
    if names.keys() != set(numbers):
        return ()
    return distinct_names([names[number] for number in numbers])


def distinct_names(names: Sequence[str], reserved: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of classes, each with its number where another one, or a *reserved* word, is alike.

    What is said of a class, asked for or read from a file by its name thus means one.
    """
    counts = Counter((*names, *reserved))
    distinct = tuple(
        name if counts[name] == 1 else f"{name} (class {number})"
        for number, name in enumerate(names)
    )
    is_done = len({*distinct, *reserved}) == len(distinct) + len({*reserved})
    return distinct if is_done else distinct_names(distinct, reserved)
