"""Signed bars on the page."""

from collections.abc import Sequence

from viz.widgets.shared.component import register
from viz.widgets.signed_bars.payload import SIGNED_BARS, Bar, payload

__all__ = ["Bar", "signed_bars"]

_mount = register(SIGNED_BARS)


def signed_bars(bars: Sequence[Bar], *, key: str) -> None:
    """Show a bar for each of them, in their order.

    Args:
        bars: Names and values, all in one unit.
        key: The component's own key.
    """
    _mount(data=payload(bars), key=key)
