"""Is the Hub there? Its client retries for half a minute before it gives up; we look once."""

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

from finetune.config import local_path

HUB = "https://huggingface.co"
OFFLINE = "HF_HUB_OFFLINE"
SECONDS = 3


def prefer_cache_without_network(*sources: str) -> None:
    """Use what the Hub left in the cache if *sources* name the Hub and nobody answers there.

    Has to be called before the Hub's client is imported; behind a proxy only the client can tell.
    """
    on_disk = all(local_path(source).exists() for source in sources)
    if on_disk or OFFLINE in os.environ or getproxies().keys() & {"all", "http", "https"}:
        return
    address = urlsplit(os.environ.get("HF_ENDPOINT", HUB))
    try:
        socket.create_connection((address.hostname or "", address.port or 443), SECONDS).close()
    except OSError:
        os.environ[OFFLINE] = "1"
