"""Does the Hugging Face Hub answer?  Its client retries for half a minute; we look once."""

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

SECONDS = 3.0
"""How long an answer may take."""


def hub_answers() -> bool:
    """Whether the Hub can be reached; where it can't, what was fetched before is still read."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    if getproxies().keys() & {"all", "http", "https"}:
        return True  # only the client itself can tell what a proxy reaches
    address = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        socket.create_connection((address.hostname or "", address.port or 443), SECONDS).close()
    except OSError:
        return False
    return True
