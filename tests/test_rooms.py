"""How the code is laid out: few packages at the top, and files that can be read in one sitting."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HIDDEN = {"__init__.py", "__main__.py", "__pycache__", "py.typed", "README.md"}


def rooms(package: str) -> set[str]:
    """The names that a newcomer to a package has to tell apart."""
    # A folder of a former layout may still hold compiled files.
    entries = (ROOT / package).iterdir()
    return {entry.name for entry in entries if entry.is_file() or [*entry.rglob("*.py")]} - HIDDEN


@pytest.mark.parametrize(("package", "most"), [("viz", 18), ("finetune", 7)])
def test_few_rooms_stand_at_the_top_of_a_package(package: str, most: int) -> None:
    assert len(rooms(package)) <= most


@pytest.mark.parametrize("package", ["viz", "finetune"])
def test_every_folder_says_what_it_holds(package: str) -> None:
    folders = {file.parent for file in (ROOT / package).rglob("*.py")}
    bare = [
        folder.relative_to(ROOT).as_posix()
        for folder in folders
        if not (folder / "__init__.py").read_text("utf-8").startswith('"""')
    ]
    assert bare == []
