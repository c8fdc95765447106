"""What a text classifier looks at: read a text once, see every head, attribute the class.

Read the room in this order: `types` (the records), `classifier` (a checkpoint and one recorded
forward pass), `recording` (how attention is captured), `words` and `attention` (views over
weights), `attribution` (why this class), `charts` and `export` (pictures), `pages` (the app).
"""

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
