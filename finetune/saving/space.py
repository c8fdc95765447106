"""Is there room on the disk for what a run keeps while it goes on?"""

import shutil
from pathlib import Path

SNAPSHOTS = 4
"""The last two, the best, and the one that is being written."""
BYTES = 12
"""A weight in float32, and two moments of the optimizer."""


def warning(work: Path, parameters: int) -> str | None:
    """A sentence where a run in *work* may fill the disk; what it has kept already is counted."""
    kept = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    needed, free = SNAPSHOTS * BYTES * parameters, shutil.disk_usage(work).free
    if needed - kept <= free:
        return None
    return (
        f"Disk: {_gigabytes(free)} are free, but the run may need {_gigabytes(needed - kept)} for"
        " its snapshots while it goes on; make room, or it may have to stop before its end."
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
