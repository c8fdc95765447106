"""Is there room on the disk for what a run keeps while it goes on?"""

import shutil
from pathlib import Path

MAX_SNAPSHOTS = 3
"""Snapshots: the last two and the best; of pre-training they stay until the run is over."""
BYTES_PER_WEIGHT = 12
"""A weight in float32, and two moments of the optimizer."""


def disk_space_warning(work: Path, parameters: int, *, stages: int = 1) -> str | None:
    """A sentence where a run in *work* may fill the disk; what it has kept already is counted.

    Args:
        work: The working folder.
        parameters: Weights of the model.
        stages: 2 with further pre-training.
    """
    used = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    needed, free = (
        (MAX_SNAPSHOTS * stages + 1) * BYTES_PER_WEIGHT * parameters,
        shutil.disk_usage(work).free,
    )
    if needed - used <= free:
        return None
    return (
        f"Disk: {_gigabytes(free)} are free, but the run may need {_gigabytes(needed - used)} for"
        " its snapshots; free up disk space, or it may have to stop early."
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
