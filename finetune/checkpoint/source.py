"""Where a checkpoint lies: a folder of this machine, or a model on the Hugging Face Hub."""

import os
import re
from pathlib import Path

from finetune.errors import ModelError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
MAX_SHOWN_CHARS = 80
"""Characters of a name that a sentence repeats."""


def local_folder(source: str) -> Path | None:
    """The folder that a source names on this machine, or None where it names none."""
    try:
        path = Path(source).expanduser()
        return path if source and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, a user nobody knows
        return None


def locate(source: str | os.PathLike[str]) -> Path | str:
    """The folder that *source* names, or the id of a model on the Hub.

    Raises:
        ModelError: It is neither.
    """
    named = os.fspath(source)
    text = named.strip()
    if not text:
        raise ModelError("no checkpoint was named; give a folder or a Hub id")
    folder = local_folder(named) or local_folder(text)  # a folder's name may end with a blank
    if folder is not None:
        return _readable(folder)
    if os.path.isfile(text):  # noqa: PTH113 - Path.is_file raises on a NUL
        raise ModelError(f"{shown(text)} is a file; give the checkpoint's folder instead")
    if HUB_ID.fullmatch(text):
        return text
    raise ModelError(
        f"there is no folder {shown(text)}; give a checkpoint folder or a Hub id such as owner/name"
    )


def _readable(folder: Path) -> Path:
    try:
        str(folder.resolve()).encode()
    except UnicodeEncodeError as error:
        raise ModelError(
            f"the path of {shown(folder.name)} is not UTF-8 and can't be read; rename the folder"
        ) from error
    return folder


def shown(value: object) -> str:
    """A name or value as a sentence repeats it: on one line, not too long, a text in quotes."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 1]}…"
    return repr(text) if isinstance(value, str) else text


def unquoted(name: str) -> str:
    """The same without quotes, for names that are plain words wherever nobody plays tricks."""
    return shown(name)[1:-1]
