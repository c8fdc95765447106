"""Texts written for this project, to try a checkpoint with."""

import json
from dataclasses import dataclass

from viz.model.installation import ASSETS

FILE = ASSETS / "examples.json"


@dataclass(frozen=True, slots=True)
class Example:
    """A named text."""

    name: str
    text: str
    edited: str | None = None
    """The text with other words, to compare it with."""


def load_examples() -> tuple[Example, ...]:
    """Every example, in the order in which it is offered."""
    return tuple(Example(**entry) for entry in json.loads(FILE.read_text("utf-8")))
