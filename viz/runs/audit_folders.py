"""Where audits of the Data page are kept: the ones that were looked at last."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from viz.runs.files import AUDITS_FOLDER, runs_folder

MAX_AUDITS = 30
"""Audits that are kept; one of 2,000 rows takes about 5 MB."""


def audit_folder(*fingerprints: str) -> Path:
    """The folder of an audit, made where it is missing; older ones that are too many are removed.

    Args:
        fingerprints: Of all that is audited.
    """
    room = runs_folder() / AUDITS_FOLDER
    folder = room / hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()[:24]
    with suppress(OSError):  # whoever writes into it is told
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        known = [each for each in room.iterdir() if each.is_dir() and not each.is_symlink()]
        known.sort(key=lambda each: each.stat().st_mtime, reverse=True)
        for old in known[MAX_AUDITS:]:
            shutil.rmtree(old, ignore_errors=True)
    return folder
