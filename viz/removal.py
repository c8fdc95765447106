"""Runs deleted from the disk, with all they left there."""

import shutil
from pathlib import Path

from viz.errors import RunError
from viz.run_files import DATA, LOGS, finished_place, log_file, names, working_place
from viz.runs import open_run


def remove_run(name: str) -> None:
    """Delete the result of a run, what it kept on the way, and its log.

    Raises:
        RunError: where there is no such run, it goes on, or the system refuses.
    """
    if name not in names() or name.lower() in (DATA, LOGS):
        raise RunError(f"there is no run {name!r}; look at the list again")
    if open_run(name).state == "running":
        raise RunError(f"the run {name!r} goes on; stop it before you delete it")
    log = log_file(name)
    try:
        # The note comes last: while it is there, the run is listed and can be deleted again.
        for place in (finished_place(name), working_place(name), log, log.with_suffix(".json")):
            _remove(place)
    except OSError as error:
        raise RunError(
            f"{str(error.filename)!r} can't be deleted: {error.strerror}; delete it by hand"
        ) from error


def _remove(place: Path) -> None:
    """Delete a folder or a file; of a link the link alone."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
