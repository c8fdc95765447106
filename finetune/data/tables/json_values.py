"""Values of JSON, read strictly: names that stand twice and odd numbers are refused."""

import json
import math
from typing import Any, NoReturn

from finetune.errors import DataError

MAX_DEPTH = 100
"""Levels of a row; more are no data."""


class DuplicateKeys(dict[str, Any]):
    """An object that says something twice."""

    name = ""


class NoJsonError(Exception):
    """Text that is not JSON, and why."""


def read_value(text: str, place: int, where: str) -> tuple[object, int]:
    """The value that begins at *place*, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except RecursionError as error:
        raise DataError(f"{where} is nested too deeply; a row has a few values") from error
    except json.JSONDecodeError as error:
        raise NoJsonError(error.msg[:1].lower() + error.msg[1:]) from error
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"{where} has a number that is too long; write it as text") from error
    except _OddNumberError as error:
        raise DataError(f"{where} has the number {error}, which can't be read") from error
    written = text[place:end]
    if written.count("[") + written.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise DataError(f"{where} is nested too deeply; a row has a few values")
    if "\\u" in written and _has_lone_surrogates(value):
        raise DataError(
            f"{where} has half of a surrogate pair (\\ud800 to \\udfff), which is not a character;"
            " write the text again"
        )
    return value, end


class _OddNumberError(Exception):
    """A number without a value."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice, seen = DuplicateKeys(found), set[str]()
    for name, _ in pairs:
        twice.name = name if name in seen else twice.name
        seen.add(name)
    return twice


def _constant(written: str) -> None:
    """NaN is how Python and pandas write what is missing; an infinity is not a value."""
    if written != "NaN":
        raise _OddNumberError(written)


def _number(written: str) -> float:
    value = float(written)
    return value if math.isfinite(value) else _refuse(written)


def _refuse(written: str) -> NoReturn:
    raise _OddNumberError(written[:20])


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
)


def _depth(value: object) -> int:
    """How deep lists and objects stand in one another; stops where it is too deep."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        level = [inner for outer in level for inner in _inner(outer)]
        depth += 1
    return depth


def _inner(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _has_lone_surrogates(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
