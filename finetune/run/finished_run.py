"""A run that is finished already: whoever starts it again, as a queue does, finds nothing to do."""

from collections.abc import Collection
from pathlib import Path

from finetune.checkpoint.run_files import SETTINGS
from finetune.errors import ConfigError, ModelError
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.output_folder import resolve_output, working_path
from finetune.run.record import RunRecord
from finetune.run.saved_settings import CHANGEABLE
from finetune.run.setting_types import option_name


def finished_run(output: Path) -> RunRecord | None:
    """The record of the run that ended in *output*; None where there is none, or one goes on."""
    if (working_path(output) / SETTINGS).is_file():
        return None
    try:
        return RunRecord.load(resolve_output(output))
    except (ModelError, OSError):
        return None


def require_same_settings(
    config: TrainConfig, record: RunRecord, *, searched: Collection[str] = ()
) -> None:
    """Refuse to call a run finished that was another one.

    A record holds the names of files, not their paths, so names are what is compared. A rate that
    isn't given is the one that the run took; what was *searched* for was not given.

    Raises:
        ConfigError: A setting differs, by its option.
    """
    for name, now in config.settings().items():
        if name in (*CHANGEABLE, *searched) or (name == "learning_rate" and now is None):
            continue
        was = record.settings.get(name, DEFAULTS[name])
        if was != now:
            raise ConfigError(
                f"the run of {resolve_output(config.output).name!r} is finished and had"
                f" {option_name(name)} {_shown(was)}, not {_shown(now)}; give the same,"
                " another --output, or --overwrite without --resume to train again"
            )


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
