"""A run that is finished already: whoever starts it again, as a queue does, finds nothing to do."""

from dataclasses import fields
from pathlib import Path

from finetune.errors import ConfigError, ModelError
from finetune.run.config import TrainConfig, option
from finetune.run.output_folder import resolved, working_place
from finetune.run.record import RunRecord
from finetune.run.saved_settings import FILE_NAME as SETTINGS
from finetune.run.saved_settings import FREE


def finished_run(output: Path) -> RunRecord | None:
    """The record of the run that ended in *output*; None where there is none, or one goes on."""
    if (working_place(output) / SETTINGS).is_file():
        return None
    try:
        return RunRecord.load(resolved(output))
    except (ModelError, OSError):
        return None


def require_same_settings(config: TrainConfig, record: RunRecord) -> None:
    """Refuse to call a run finished that was another one.

    A record holds the names of files, not their paths, so names are what is compared. A rate that
    isn't given is the one that the run took.

    Raises:
        ConfigError: A setting differs, by its option.
    """
    now, names = config.settings(), {field.name: field.default for field in fields(config)}
    if config.learning_rate is None:
        del names["learning_rate"]
    for name, default in names.items():
        if name not in now or name in FREE:
            continue
        was = record.settings.get(name, default)
        if was != now[name]:
            raise ConfigError(
                f"the run of {resolved(config.output).name!r} is finished and had"
                f" {option(name)} {_shown(was)}, not {_shown(now[name])}; give the same, another"
                " --output, or --overwrite without --resume to train again"
            )


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
