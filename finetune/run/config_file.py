"""A recipe: the settings of a run as a TOML file, read from the user and left with the checkpoint.

Keys are the names of TrainConfig's fields. Relative paths count from where the command runs, as
they do in its flags.
"""

import json
import tomllib
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from finetune.errors import ConfigError, RecordError, quoted
from finetune.run.atomic_files import write_atomically
from finetune.run.config import TrainConfig

FILE_NAME = "train.toml"
HEAD = """\
# Every setting of this run. Give the paths of this machine where names stand, then:
#   python -m finetune train --config train.toml --output NEW_FOLDER
"""


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings in the TOML file *path*, each known and of its type; a lone `data` is a list."""
    # Not needed for `--help`, which is to be there at once.
    from finetune.run.json_files import read_bytes

    try:
        found = tomllib.loads(read_bytes(path, f"--config {quoted(path.name)}").decode())
    except RecordError as error:
        raise ConfigError(str(error)) from error
    except (ValueError, RecursionError) as error:
        why = f"--config {quoted(path.name)} is not a TOML file: {error}"
        raise ConfigError(why) from error
    types = get_type_hints(TrainConfig)
    for name, value in found.items():
        if name not in types:
            raise ConfigError(_unknown(name, path, list(types)))
        if not _fits(value, types[name], name):
            raise ConfigError(
                f"{name} in {path.name!r} is {quoted(value)}; it has to be {_in_words(types[name])}"
            )
    if isinstance(found.get("data"), str):
        found["data"] = [found["data"]]
    return found


def write_recipe(config: TrainConfig, folder: Path) -> None:
    """Write `train.toml` into *folder*: what *config* says, with names in place of paths."""
    settings = config.settings().items()
    lines = [f"{name} = {_toml(value)}\n" for name, value in settings if value is not None]
    write_atomically(folder / FILE_NAME, HEAD + "".join(lines))


def describe_settings(config: TrainConfig) -> str:
    """The settings that aren't as by default, in one line."""
    settings, defaults = config.settings(), {f.name: f.default for f in fields(TrainConfig)}
    named = {
        name: value
        for name, value in settings.items()
        if value != defaults[name] or defaults[name] is MISSING
    }
    return (
        "Settings: " + ", ".join(f"{name} {_short(value)}" for name, value in named.items()) + "."
    )


def _unknown(name: str, path: Path, known: list[str]) -> str:
    close = get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0)
    unknown = f"{path.name!r} has the unknown setting {quoted(name)}"
    return f"{unknown}; the closest known one is {close[0]!r}"


def _fits(value: object, wanted: Any, name: str) -> bool:
    """Whether a TOML value is one of the type *wanted*."""
    kinds = _kinds(wanted)
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if name == "data":
        items = value if isinstance(value, list) else [value]
        return bool(items) and all(isinstance(item, str) for item in items)
    return type(value) in kinds or (float in kinds and type(value) is int)


def _kinds(wanted: Any) -> set[type]:
    """The types that TOML has for an annotation."""
    if get_origin(wanted) in (Union, UnionType):
        given = (part for part in get_args(wanted) if part is not type(None))
        return set().union(*map(_kinds, given))
    return {wanted} if wanted in (int, float, bool) else {str}


def _in_words(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(get_args(wanted))}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}
    return " or ".join(names[kind] for kind in names if kind in _kinds(wanted))


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _toml(value: object) -> str:
    """*value* as TOML writes it; JSON's strings, lists, numbers and booleans are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
