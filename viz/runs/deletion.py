"""Runs deleted from the disk, with all they left there."""

from pathlib import Path

from finetune.run.atomic_files import remove
from viz.errors import RunError
from viz.runs.files import (
    LOGS_FOLDER,
    finished_folder,
    log_file,
    partial_folder,
    run_names,
    runs_folder,
)
from viz.runs.public import require_private
from viz.runs.state import open_run


def remove_run(name: str) -> None:
    """Delete the result of a run, what it kept on the way, and its log; of links the link alone.

    Raises:
        RunError: where there is no such run, it is running or lies elsewhere, or the system
            refuses.
    """
    require_private("deleting")
    if name not in run_names():
        raise RunError(f"There is no run {name!r}; look at the list again.")
    if open_run(name).state == "running":
        raise RunError(f"The run {name!r} is still running; stop it before you delete it.")
    log = log_file(name)
    # The note comes last: while it is there, the run is listed and can be deleted again.
    places = (finished_folder(name), partial_folder(name), log, log.with_suffix(".json"))
    for place in places:
        _require_inside(place)
    try:
        for place in places:
            _require_inside(place)
            remove(place)
    except OSError as error:
        raise RunError(
            f"{str(error.filename)!r} can't be deleted: {error.strerror}; delete it by hand."
        ) from error


def _require_inside(place: Path) -> None:
    """Refuse what does not lie where our runs and logs do: names and links can lead elsewhere."""
    own = runs_folder()
    if place.parent.resolve() not in (own, own / LOGS_FOLDER) or place.name in ("", ".", ".."):
        raise RunError(f"{str(place)!r} isn't in the folder of runs; delete it by hand.")
