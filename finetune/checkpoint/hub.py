"""The Hugging Face Hub: whether it answers, and the files of a model that it or its cache has.

The Hub's client retries for half a minute before it gives up; we look once. Nothing here opens a
connection unless a source names the Hub.
"""

import os
import socket
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from finetune.checkpoint.source import local_folder
from finetune.errors import ModelError

HUB_URL = "https://huggingface.co"
OFFLINE_VARIABLE = "HF_HUB_OFFLINE"
TIMEOUT_SECONDS = 3.0
"""How long an answer may take."""


def is_offline() -> bool:
    """Whether the environment forbids the network, by the words that the Hub's client knows."""
    return os.environ.get(OFFLINE_VARIABLE, "").upper() in ("1", "ON", "YES", "TRUE")


def hub_answers() -> bool:
    """Whether the Hub can be reached; where it can't, what was fetched before is still read."""
    if is_offline():
        return False
    if getproxies().keys() & {"all", "http", "https"}:
        return True  # only the client itself can tell what a proxy reaches
    address = urlsplit(os.environ.get("HF_ENDPOINT", HUB_URL))
    try:
        socket.create_connection(
            (address.hostname or "", address.port or 443), TIMEOUT_SECONDS
        ).close()
    except OSError:
        return False
    return True


def prefer_cache_without_network(*sources: str) -> None:
    """Use what the Hub left in the cache if *sources* name the Hub and nobody answers there.

    Has to be called before the Hub's client is imported.
    """
    if all(is_local(source) for source in sources) or is_offline():
        return
    if not hub_answers():
        os.environ[OFFLINE_VARIABLE] = "1"


def is_local(source: str) -> bool:
    """Whether *source* is a file or folder of this machine."""
    return local_folder(source) is not None or os.path.isfile(os.path.expanduser(source))  # noqa: PTH111, PTH113 - those of Path raise on a NUL or an unknown user


def fetch(repository: str, patterns: Collection[str], revision: str | None = None) -> Path:
    """The folder of the Hub's cache that holds the files of a model, fetched where they are not.

    Args:
        repository: Its id, such as owner/name.
        patterns: What the names of the files may be.
        revision: The branch, tag or commit; the newest commit where None.

    Raises:
        ModelError: There is no such model, or it can't be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=sorted(patterns),
                ignore_patterns=None if any("/" in name for name in patterns) else ["*/*"],
                local_files_only=not hub_answers(),
            )
        )
    except Exception as error:  # the network's and the Hub's errors have no common ancestor
        raise ModelError(
            f"there is no folder {repository!r} here, and the Hugging Face Hub has no such model or"
            " can't be reached; check the spelling and the network, or give a folder"
        ) from error
