"""Files of JSON, of lines and of settings, damaged in every way that a disk or a stranger may."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]
DEEP = 100_000
RAW = "\0raw\0"
"""What stands in a text for JSON that Python would not write."""
RAWS = (
    "1e999",
    "-1e999",
    "NaN",
    "-Infinity",
    "1" + "0" * 400,
    "-1" + "0" * 400,
    "1" + "0" * 5000,
    "1e300",
    "-1e-320",
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    '"\\ud800"',
    '"\\u0000\\u001b[31m"',
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    7,
    -0.5,
    1.5,
    10**15,
    "",
    "x",
    "-1",
    "nan",
    "../../x",
    "a\0b",
    "é\u2028\u202e",
    "x" * 100_000,
    [],
    {},
    [[]],
    [None],
    {"": {}},
)
BYTES = (b"\xff\xfe", b"\0", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b'"', b"{", b"]", b",", b"-")


def mutations(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """*count* damaged versions of a file of one JSON value."""
    draw = random.Random(seed)
    for number in range(count):
        damage = _in_bytes if number % 4 == 3 else _in_values
        yield damage(content, draw)


def mutated_lines(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The same of a file of lines, each of them JSON."""
    draw = random.Random(seed)
    for number in range(count):
        if number % 4 == 3:
            yield _in_bytes(content, draw)
            continue
        lines = content.splitlines(keepends=True)
        place = draw.randrange(len(lines))
        change: Callable[[], bytes] = draw.choice(
            (
                lambda: _in_values(lines[place], draw).rstrip() + b"\n",  # noqa: B023
                lambda: b"",
                lambda: lines[place] * 2,  # noqa: B023
                lambda: draw.choice(lines),  # noqa: B023
                lambda: b"[]\n",
            )
        )
        lines[place] = change()
        yield b"".join(lines)


def mutated_words(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The same of a file that is not JSON: a word or a cell of it is another one."""
    draw = random.Random(seed)
    spoken = [raw.encode() for raw in RAWS] + [
        json.dumps(value, ensure_ascii=False).encode() for value in VALUES
    ]
    for number in range(count):
        if number % 3 == 2:
            yield _in_bytes(content, draw)
            continue
        words = content.replace(b",", b" , ").replace(b"\n", b" \n ").split(b" ")
        words[draw.randrange(len(words))] = draw.choice(spoken)
        yield b" ".join(words).replace(b" , ", b",").replace(b" \n ", b"\n")


def _in_bytes(content: bytes, draw: random.Random) -> bytes:
    size = len(content)
    at, other = sorted((draw.randrange(size), draw.randrange(size)))
    return draw.choice(
        (
            content[:at],
            content[at:],
            content[:at] + content[other:],
            content[:at] + draw.choice(BYTES) + content[at:],
            content[:at] + draw.choice(BYTES) + content[at + 1 :],
            content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :],
            content[:at] + content[at:other] * 2 + content[other:],
            content * 2,
            b"\0" * size,
            b"",
        )
    )


def _in_values(content: bytes, draw: random.Random) -> bytes:
    values: Any = copy.deepcopy(json.loads(content))
    raws: list[str] = []
    place = draw.choice(list(_places(values)))
    change = draw.choice((_put, _put, _put, _put_raw, _drop, _rename, _repeat, _swap, _negate))
    values = change(values, place, draw, raws)
    text = json.dumps(values, ensure_ascii=False, indent=draw.choice((None, 1)))
    if draw.random() < 0.1:
        text = _named_twice(text, values)
    for raw in raws:
        text = text.replace(json.dumps(RAW), raw)
    return text.encode("utf-8", "surrogatepass")


def _places(values: Any, place: Path = ()) -> Iterator[Path]:
    """Where values stand; every level as likely as the next, however long a list is."""
    yield place
    if isinstance(values, dict):
        for name, part in values.items():
            yield from _places(part, (*place, name))
    elif isinstance(values, list):
        for number in range(min(len(values), 3)):
            yield from _places(values[number], (*place, number))


def _at(values: Any, place: Path) -> Any:
    for key in place:
        values = values[key]
    return values


def _put(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    value = copy.deepcopy(draw.choice(VALUES))
    if not place:
        return value
    _at(values, place[:-1])[place[-1]] = value
    return values


def _put_raw(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    raws.append(draw.choice(RAWS))
    if not place:
        return RAW
    _at(values, place[:-1])[place[-1]] = RAW
    return values


def _drop(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    if place:
        del _at(values, place[:-1])[place[-1]]
    return values


def _rename(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    part = _at(values, place)
    if isinstance(part, dict) and part:
        name = draw.choice(list(part))
        part[draw.choice(("", "x", name.upper(), name + "\ud800", "mask", "row"))] = part.pop(name)
    return values


def _repeat(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    part = _at(values, place)
    if isinstance(part, list) and part:
        part += copy.deepcopy(part[:1]) * draw.choice((1, 3, 200))
    return values


def _swap(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    other = draw.choice(list(_places(values)))
    if not place or not other or place[: len(other)] == other or other[: len(place)] == place:
        return values
    one, two = _at(values, place), _at(values, other)
    _at(values, place[:-1])[place[-1]] = two
    _at(values, other[:-1])[other[-1]] = one
    return values


def _negate(values: Any, place: Path, draw: random.Random, raws: list[str]) -> Any:
    numbers = [
        each
        for each in _places(values)
        if isinstance(_at(values, each), int | float) and not isinstance(_at(values, each), bool)
    ]
    if numbers and (at := draw.choice(numbers)):
        _at(values, at[:-1])[at[-1]] = _at(values, at) * draw.choice((-1, 1e6, 0, 0.5))
    return values


def _named_twice(text: str, values: Any) -> str:
    if not isinstance(values, dict) or not values:
        return text
    name = next(iter(values))
    return "{" + json.dumps(name) + ": 1, " + text.lstrip()[1:]
