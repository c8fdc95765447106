"""The bars of the classes on the page."""

from viz.types import Prediction
from viz.widgets.bars.payload import BARS, payload
from viz.widgets.shared.component import register

_mount = register(BARS)


def bars(prediction: Prediction, *, key: str) -> None:
    """Show what the text is put into and a bar for each class, the most probable first.

    Args:
        prediction: Its assigned classes are in the accent color; a multi-label head may have
            several, or none.
        key: The component's own key.
    """
    _mount(data=payload(prediction), key=key)
