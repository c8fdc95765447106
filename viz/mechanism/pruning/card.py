"""The README of a checkpoint with heads cut out: that of the one before, and what was done."""

from collections.abc import Mapping
from typing import Any

from finetune.checkpoint.folder import Folder

CARD = "README.md"
MAX_BYTES = 1_000_000
"""A longer card is left out."""


def card(folder: Folder, about: Mapping[str, Any], sentence: str) -> str:
    """The card as Markdown.

    Args:
        folder: The checkpoint before.
        about: What config.json says of the heads that were cut.
        sentence: What was written, and how it was proved.
    """
    file = folder.file(CARD)
    before = ""
    if file is not None and file.stat().st_size <= MAX_BYTES:
        before = file.read_text("utf-8", errors="replace").rstrip() + "\n\n"
    return (
        f"{before}## Heads cut out\n\n{sentence}\n\n"
        f"- heads (layer.head, or a whole layer): `{about['heads']}`\n"
        f"- of: {about['of']}, {about['layers_before']} layers of {about['heads_before']} heads\n"
        f"- fingerprint of its weights: `{about['fingerprint']}`\n"
        "- measures above, if there are any, are those of the checkpoint before\n"
    )
