"""The folder in which a search for settings works, and what a stopped one leaves in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from finetune.checkpoint.run_files import JOURNAL, SETTINGS, tuning_name
from finetune.errors import OutputError
from finetune.run.atomic_files import remove_quietly
from finetune.run.config import TrainConfig
from finetune.run.output_folder import locked_folder, resolve_output
from finetune.run.resume_command import resume_command
from finetune.run.saved_settings import load_settings


def tuning_path(output: Path) -> Path:
    """The folder in which a search for *output* works."""
    output = resolve_output(output)
    return output.with_name(tuning_name(output.name))


@contextmanager
def search_folder(output: Path) -> Iterator[Path]:
    """The folder in which a search for *output* works; no other process may use it.

    What ends leaves this folder only where there is a search in it to go on with.
    """
    folder = tuning_path(output)
    with locked_folder(folder):
        try:
            yield folder
        finally:
            if not is_stopped_search(output):
                remove_quietly(folder)


def is_stopped_search(output: Path) -> bool:
    """Whether a search for *output* was begun and is not over."""
    folder = tuning_path(output)
    return (folder / SETTINGS).is_file() and (folder / JOURNAL).is_file()


def require_no_stopped_search(output: Path) -> None:
    """Refuse to start over where that would lose what an earlier search found."""
    if not is_stopped_search(output):
        return
    with locked_folder(tuning_path(output)):
        raise OutputError(
            f"a search for {resolve_output(output).name!r} was stopped and is kept; continue it"
            f" with {resume_command(output)}, or start over with --overwrite"
        )


def stopped_search(output: Path) -> TrainConfig:
    """The settings with which the stopped search for *output* goes on.

    Raises:
        OutputError: They can't be read.
    """
    config = load_settings(tuning_path(output)).config
    return replace(config, output=output, resume=True, overwrite=False)


def describe_stopped_search(output: Path) -> str:
    """What a stopped search leaves, and how to go on, as the end of a sentence."""
    name = resolve_output(output).name
    if not is_stopped_search(output):
        return f"{name!r} was not written"
    return (
        f"{name!r} was not written, but the search is kept: continue it with"
        f" {resume_command(output)}"
    )
