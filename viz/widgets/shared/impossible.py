"""What a browser is sent of pairs of tokens that can't look at each other: nothing without any."""

from viz.colors import PALETTES
from viz.types import BoolArray
from viz.widgets.shared.array_codec import encode_bits

HATCH = {theme: list(palette.impossible) for theme, palette in PALETTES.items()}
"""Ground and lines by theme."""


def impossible_payload(impossible: BoolArray | None) -> dict[str, object]:
    """The part of a payload that says which pairs of one map are impossible.  (n, m)"""
    if impossible is None:
        return {}
    return {"impossible": {"bits": encode_bits(impossible), "hatch": HATCH}}
