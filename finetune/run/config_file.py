"""The settings of a run as a TOML file, read from the user and left with the checkpoint.

Keys are the names of TrainConfig's fields. Relative paths count from where the command runs, as
they do in its flags.
"""

import json
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from finetune.errors import ConfigError, RecordError, quoted
from finetune.run.atomic_files import write_atomically
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.json_files import read_bytes
from finetune.run.setting_types import refusal

FILE_NAME = "train.toml"
TUNE_SECTION = "tune"
"""The section with what `clsight tune` tries; other commands pass it over."""
HEAD = """\
# Every setting of this run. Give the paths of this machine where names stand, then:
#   clsight train --config train.toml --output NEW_FOLDER
"""


def read_config_file(path: Path) -> dict[str, Any]:
    """The settings in the TOML file *path*, each known and allowed; a lone `data` is a list.

    Raises:
        ConfigError: The file can't be read, or a setting is unknown or has a wrong value.
    """
    try:
        settings = tomllib.loads(read_bytes(path, f"--config {quoted(path.name)}").decode())
    except RecordError as error:
        raise ConfigError(str(error)) from error
    except (ValueError, RecursionError) as error:
        why = f"--config {quoted(path.name)} is not a TOML file: {error}"
        raise ConfigError(why) from error
    settings.pop(TUNE_SECTION, None)
    types = get_type_hints(TrainConfig, include_extras=True)
    for name, value in settings.items():
        if name not in types:
            (close,) = get_close_matches(name.replace("-", "_"), types, n=1, cutoff=0)
            raise ConfigError(
                f"{path.name!r} has the unknown setting {quoted(name)}; the closest known one is"
                f" {close!r}"
            )
        if name == "data" and isinstance(value, str):
            settings[name] = [value]
        try:
            TypeAdapter(types[name]).validate_python(settings[name], strict=True)
        except ValidationError as error:
            what = f"{name} in {path.name!r}"
            raise ConfigError(refusal(TrainConfig, name, value, what)) from error
    return settings


def write_config_file(config: TrainConfig, folder: Path) -> None:
    """Write `train.toml` into *folder*: what *config* says, with names in place of paths."""
    settings = config.settings().items()
    lines = [f"{name} = {_toml(value)}\n" for name, value in settings if value is not None]
    write_atomically(folder / FILE_NAME, HEAD + "".join(lines))


def describe_settings(config: TrainConfig) -> str:
    """The settings that aren't as by default, in one line."""
    changed = [
        f"{name} {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in config.settings().items()
        if value != DEFAULTS[name]
    ]
    return f"Settings: {', '.join(changed)}."


def _toml(value: object) -> str:
    """*value* as TOML writes it; JSON's strings, lists, numbers and booleans are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
