"""What a text classifier looks at: read a text once, see every head, attribute the class.

Read the room in this order: `types` (the records), `classifier` (a checkpoint and one recorded
forward pass), `recording` (how attention is captured), `words` and `attention` (views over
weights), `attribution` (why this class), `charts` and `export` (pictures), `pages` (the app).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viz.attribution import METHODS, attribute
    from viz.classifier import Classifier
    from viz.types import Attention, Attribution, Encoding, Prediction, Reading, Token

__all__ = [
    "METHODS",
    "Attention",
    "Attribution",
    "Classifier",
    "Encoding",
    "Prediction",
    "Reading",
    "Token",
    "attribute",
]

_HOMES = {"METHODS": "attribution", "attribute": "attribution", "Classifier": "classifier"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: torch alone takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"viz.{_HOMES.get(name, 'types')}"), name)
