"""The settings of a run that goes on, as they were given: to resume it with no word repeated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from finetune.checkpoint.run_files import SETTINGS
from finetune.errors import ConfigError, DataError, OutputError, RecordError
from finetune.run import processes
from finetune.run.atomic_files import write_atomically
from finetune.run.config import COMMAND_SETTINGS, DEFAULTS, INPUTS, TrainConfig
from finetune.run.json_files import Schema
from finetune.run.local_paths import local_path
from finetune.run.precision_choice import PrecisionChoice
from finetune.run.setting_types import option_name

CHANGEABLE = (*COMMAND_SETTINGS, "output", "push_to_hub", "save_minutes", "ranking")
"""Settings that may change when a run is resumed, for no weight depends on them."""

Fingerprints = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SavedSettings:
    """What a run was begun with."""

    config: TrainConfig
    rows: Fingerprints
    """Of each split; none where a series of seeds keeps them seed by seed."""
    processes: int
    precision: PrecisionChoice | None = None
    """What the run computes in; None where a series keeps it seed by seed."""


def save_settings(
    config: TrainConfig,
    fingerprints: Fingerprints,
    folder: Path,
    *,
    precision: PrecisionChoice | None = None,
) -> None:
    """Write the settings, paths of this machine whole, what the rows were, who trains, and how."""
    written = {name: _plain(config, name) for name in DEFAULTS}
    content = {
        "version": 1,
        "settings": written,
        "rows": dict(fingerprints),
        "processes": processes.count(),
    }
    if precision is not None:
        content |= {"precision": precision.precision, "precision_reason": precision.reason}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(folder / SETTINGS, text)


def load_settings(folder: Path) -> SavedSettings:
    """What is in *folder*.

    Raises:
        OutputError: There are none, or they were damaged or written by another version.
    """
    try:
        found = _schema().read(folder / SETTINGS, f"{SETTINGS} of the stopped run")
    except ConfigError as error:
        why = f"{SETTINGS} of the stopped run is damaged: {error}"
        raise OutputError(f"{why}; use --overwrite to start over") from error
    except RecordError as error:
        if isinstance(error.__cause__, OSError):
            raise OutputError(f"no run can be resumed here: {error}") from error
        raise OutputError(f"{error}; use --overwrite to start over") from error
    precision = found.precision and PrecisionChoice(found.precision, found.precision_reason)
    return SavedSettings(found.settings, found.rows, found.processes, precision)


def _config(settings: Any) -> TrainConfig:
    if not isinstance(settings, dict):
        raise ValueError("it holds no settings")
    return TrainConfig(**settings)


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """The content of the file."""

    version: Literal[1]
    settings: Annotated[TrainConfig, PlainValidator(_config)]
    rows: Fingerprints
    processes: Annotated[int, Field(ge=1, le=1_000_000)]
    precision: Literal["float32", "bfloat16"] | None = None
    precision_reason: str = ""


@cache
def _schema() -> Schema[_File]:
    """A setting that another version added may make another run of it, so it is not left out."""
    return Schema(_File, extra="forbid")


def require_same(config: TrainConfig, begun: TrainConfig) -> None:
    """Refuse to resume the run *begun* with settings that would make another one of it."""
    for name in DEFAULTS:
        was, now = _plain(begun, name), _plain(config, name)
        if name not in CHANGEABLE and was != now:
            raise ConfigError(
                f"the stopped run has {option_name(name)} {was}, not {now}; give the same to"
                " continue, or --overwrite without --resume to start over"
            )


def require_same_processes(begun: int) -> None:
    """Refuse to resume a run with more or fewer processes: its steps would be others."""
    if processes.count() != begun:
        raise ConfigError(
            f"the stopped run has {begun} {'process' if begun == 1 else 'processes'}, not"
            f" {processes.count()}; start as many to continue, as with torchrun --nproc-per-node"
        )


def require_same_rows(now: Fingerprints, begun: Fingerprints) -> None:
    """Refuse to resume a run on rows it did not begin with."""
    changed = [role for role in begun if now.get(role) != begun[role]]
    if changed:
        raise DataError(
            f"the rows of {' and '.join(changed)} are not those the run began with; bring the files"
            " back, or start over with --overwrite"
        )


def _plain(config: TrainConfig, name: str) -> Any:
    """A setting as JSON has it; the paths of what the run reads are absolute."""
    value = getattr(config, name)
    if isinstance(value, Path):
        return str(value.expanduser().resolve())
    if name not in (*INPUTS, "model") or value is None:
        return value
    return [_whole(source) for source in value] if isinstance(value, tuple) else _whole(value)


def _whole(source: str) -> str:
    path = local_path(source)
    return str(path.resolve()) if path.exists() else source
