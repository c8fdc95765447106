"""The base model of an adapter: where its configuration says that it lies."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from finetune.checkpoint.files import MEGABYTE, checked_file, read_json
from finetune.checkpoint.folder import (
    ADAPTER,
    MODULES,
    Folder,
    find_folder,
    list_names,
    with_settings,
)
from finetune.checkpoint.source import HUB_ID, local_folder, shown
from finetune.errors import ModelError

BASE_ENTRY = "base_model_name_or_path"
REVISION = re.compile(r"[\w.-]+(/[\w.-]+)*")


def find_base(folder: Folder, settings: Mapping[str, Any]) -> Folder:
    """The whole model that an adapter changes, its settings read.

    Args:
        folder: That of the adapter.
        settings: What its configuration holds.

    Raises:
        ModelError: None is named, it isn't there, or it is an adapter itself.
    """
    named = settings.get(BASE_ENTRY)
    if not isinstance(named, str) or not named.strip():
        raise ModelError(
            f"the {ADAPTER} of {folder.owner} names no base model; write its folder or Hub id"
            f" there as {BASE_ENTRY}"
        )
    revision = settings.get("revision")
    if revision is not None and not (
        isinstance(revision, str) and REVISION.fullmatch(revision) and ".." not in revision
    ):
        raise ModelError(
            f"the revision in {ADAPTER} of {folder.owner} is {shown(revision)}; it has to be a"
            " branch, a tag or a commit"
        )
    source = _base_source(folder, named.strip())
    try:
        base = find_folder(source, revision)
    except ModelError as error:
        raise _missing(folder, named) from error
    if base.file(ADAPTER):
        raise ModelError(
            f"the base model of {folder.owner}, {base.owner}, is an adapter itself; merge that one"
            f" with peft (merge_and_unload), and name the result as {BASE_ENTRY}"
        )
    return with_settings(base)


def _base_source(folder: Folder, named: str) -> str | Path:
    """The base as a folder of this machine, which only an adapter of this machine may name."""
    if folder.repository is None:
        return _beside(folder.path, named) or named
    if not HUB_ID.fullmatch(named):
        raise _missing(folder, named)
    return named


def _beside(place: Path, named: str) -> Path | None:
    """The folder that a name leads to from *place*, the folder of an adapter."""
    try:
        return local_folder(str(place / Path(named).expanduser()))
    except RuntimeError:  # a user nobody knows
        return None


def parts_of(folder: Path) -> list[Path]:
    """The folders of this machine that a checkpoint is made of, itself the first.

    They are those of its modules, and that of the base model of an adapter; what can't be read is
    left out, and nothing is asked of the Hub.
    """
    found = [folder]
    with suppress(ModelError, OSError):
        if checked_file(folder, MODULES, folder.name) is not None:
            found += [folder / name for name in list_names(folder) if (folder / name).is_dir()]
        if file := checked_file(folder, ADAPTER, folder.name):
            named = read_json(file, ADAPTER, folder.name, MEGABYTE).get(BASE_ENTRY)
            base = _beside(folder, named) if isinstance(named, str) and named else None
            found += [] if base is None else [base]
    return found


def _missing(folder: Folder, named: str) -> ModelError:
    on_hub = HUB_ID.fullmatch(named) is not None
    where = "neither here nor can it be fetched from the Hugging Face Hub" if on_hub else "not here"
    return ModelError(
        f"{folder.owner} is an adapter of the base model {shown(named)}, which is {where}; put it"
        f" into a folder, and name that as {BASE_ENTRY} in {ADAPTER}"
    )
