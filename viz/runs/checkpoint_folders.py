"""Where checkpoints are looked for: what ships, what the user put there, what was trained here."""

from pathlib import Path

from finetune.checkpoint.folder import is_checkpoint
from viz.model.installation import IS_CHECKOUT, ROOT
from viz.runs import files


def checkpoint_folders() -> list[Path]:
    """All folders that hold a checkpoint and aren't hidden: by parent folder, then by name.

    They are those that are there, so that a name out of a file or a link leads nowhere else.
    """
    return [
        folder
        for room in (ROOT / "assets", _user_root() / "checkpoints", files.runs_folder())
        for folder in sorted(room.glob("*"))
        if not folder.name.startswith(".") and is_checkpoint(folder)
    ]


def display_name(folder: Path) -> str:
    """A short path by which a checkpoint folder is offered, the same in a checkout and a wheel."""
    for root in (ROOT, _user_root()):
        if folder.is_relative_to(root):
            return folder.relative_to(root).as_posix()
    return folder.as_posix()


def _user_root() -> Path:
    """The folder in which users put checkpoints: the checkout, or else the current folder."""
    return ROOT if IS_CHECKOUT else Path.cwd()
