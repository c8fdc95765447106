"""File names made by us: from the checkpoint and the picture, never from the text."""

import re
from typing import Literal

from viz.types import Reading

Kind = Literal["head", "layer", "atlas", "attribution"]

LONGEST = 60
"""Characters of a checkpoint's name that a file name keeps."""


def file_name(
    reading: Reading,
    *,
    kind: Kind,
    layer: int | None = None,
    head: int | None = None,
    method: str | None = None,
    extension: str = "png",
) -> str:
    """A name such as `ag-news-minilm-head-L3-H7.png`, safe on every file system."""
    parts = [_safe(reading.checkpoint), kind]
    if kind in ("head", "layer"):
        parts.append("all-layers" if layer is None else f"L{layer}")
    if kind == "head":
        parts.append("mean" if head is None else f"H{head}")
    if method is not None:
        parts.append(_safe(method))
    return f"{'-'.join(parts)}.{_safe(extension)}"


def _safe(name: str) -> str:
    """Letters, digits, dots and dashes of ASCII; every other run becomes one dash."""
    kept = re.sub(r"[^A-Za-z0-9._]+", "-", name)
    return re.sub(r"\.{2,}", ".", kept)[:LONGEST].strip("-._") or "checkpoint"
