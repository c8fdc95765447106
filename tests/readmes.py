"""The README of every package, and what is printed in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Readme:
    """One of them."""

    path: Path

    @property
    def name(self) -> str:
        """Where it lies in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    def blocks(self, kind: str) -> list[str]:
        """The code blocks of a language."""
        return re.findall(rf"^```{kind}\n(.*?)^```", self.text, re.DOTALL | re.MULTILINE)

    def lines(self, *kinds: str) -> list[str]:
        """The lines of the code blocks of some languages."""
        return [
            line for kind in kinds for block in self.blocks(kind) for line in block.splitlines()
        ]

    def links(self) -> Iterator[tuple[str, str]]:
        """The file that each link leads to, seen from the README, and the anchor in it."""
        for link in re.findall(r"\]\((?!https?://)([^)]+)\)", self.text):
            file, _, anchor = link.partition("#")
            yield file, anchor

    def anchors(self) -> set[str]:
        """Those that GitHub makes of the headings."""
        headings = re.findall(r"^#+ (.+)$", self.text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


READMES = tuple(
    Readme(path)
    for path in (
        ROOT / "README.md",
        ROOT / "finetune" / "training" / "DISTRIBUTED.md",
        *sorted(
            path
            for room in ("finetune", "viz", "tests", "assets/deploy")
            for path in (ROOT / room).rglob("README.md")
        ),
    )
)
