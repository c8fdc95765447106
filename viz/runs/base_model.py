"""The base model that a run starts from: which one was given last, and whether it can be there."""

import os

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from finetune.checkpoint.hub import hub_answers
from finetune.data.tables.messages import shown
from viz.errors import RunError
from viz.runs.files import launch_record, run_names
from viz.runs.finetune_command import is_argument
from viz.runs.state import started_at

DEFAULT_BASE = "bert-base-uncased"
"""The base model of a first run."""


def last_base_model() -> str:
    """The base model that the app was last given."""
    bases = [(started_at(name), base) for name in run_names() if (base := launch_record(name).base)]
    return str(max(bases)[1]) if bases else DEFAULT_BASE


def is_folder(path: str) -> bool:
    """Whether there is a folder at a path that was typed."""
    # Path's own methods raise on an unknown user or a name too long, which may be typed here.
    return is_argument(path) and os.path.isdir(os.path.expanduser(path))  # noqa: PTH111, PTH112


def require_base_model(base: str) -> None:
    """Refuse a base model that can't be there, before a process is started for it."""
    if not base:
        raise RunError(f"Name a base model: a folder, or an id on the Hub such as {DEFAULT_BASE}.")
    if is_folder(base) or _is_cached(base):
        return
    if not is_argument(base) or not _may_be_hub_name(base):
        raise RunError(
            f"{shown(base)} is not a folder here, and not an id that a model on the Hub can have; "
            "give another base model."
        )
    if hub_answers():
        return
    raise RunError(
        f"{base!r} is not a folder here, and the Hugging Face Hub can't be reached; give the "
        "folder of a base model, or connect to the network."
    )


def _may_be_hub_name(base: str) -> bool:
    try:
        validate_repo_id(base)
    except HFValidationError:
        return False
    return True


def _is_cached(base: str) -> bool:
    try:
        return isinstance(try_to_load_from_cache(base, "config.json"), str)
    except (HFValidationError, ValueError, OSError):
        return False
