"""transformers without its bars and reports: what matters is raised as an error."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import transformers

_loading = threading.RLock()
"""One load at a time: what transformers prints is set for the whole process."""


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers silent inside, and as it was afterwards."""
    logging = transformers.logging
    with _loading:
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity(logging.CRITICAL)
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
