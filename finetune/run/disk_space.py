"""Is there room on the disk for what a run keeps while it goes on?"""

import shutil
from pathlib import Path

from finetune.checkpoint.run_files import HISTORY
from finetune.errors import OutputError

MAX_SNAPSHOTS = 3
"""Snapshots: the last two and the best; of pre-training they stay until the run is over."""
SMALL_GIGABYTE = 50_000_000
"""Below so many bytes 0.1 GB is a coarse number."""
BYTES_PER_WEIGHT = 12
"""A weight in float32, and two moments of the optimizer."""


def disk_space_warning(
    work: Path, parameters: int, *, stages: int = 1, history: int = 0
) -> str | None:
    """A sentence where a run in *work* may fill the disk; what it has kept already is counted.

    Args:
        work: The working folder.
        parameters: Weights of the model.
        stages: 2 with further pre-training.
        history: Bytes of the weights that are kept of the way.
    """
    used = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    needed, free = (
        (MAX_SNAPSHOTS * stages + 1) * BYTES_PER_WEIGHT * parameters + history,
        shutil.disk_usage(work).free,
    )
    if needed - used <= free:
        return None
    return (
        f"Disk: {shown_size(free)} are free, but the run may need {shown_size(needed - used)} for"
        " its snapshots; free up disk space, or it may have to stop early."
    )


def require_room(work: Path, needed: int) -> None:
    """Refuse a history of *needed* bytes in *work* for which there is no room on the disk.

    Raises:
        OutputError: There is none; what a stopped run has kept already needs none again.
    """
    kept = work / HISTORY
    used = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    free = shutil.disk_usage(work).free
    if needed - used > free:
        raise OutputError(
            f"the history may take {shown_size(needed - used)}, and {shown_size(free)} are free;"
            " free up disk space, or keep fewer steps with --keep-steps or --keep-epochs"
        )


def shown_size(size: int) -> str:
    """A number of bytes, in the unit that suits it."""
    return f"{size / 1e9:.1f} GB" if size >= SMALL_GIGABYTE else f"{size / 1e6:.1f} MB"
