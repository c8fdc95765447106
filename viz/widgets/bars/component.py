"""The bars of the classes on the page."""

from viz.comparison.class_comparison import ClassComparison
from viz.types import Prediction
from viz.widgets.bars import paired
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


def paired_bars(compared: ClassComparison, *, key: str) -> None:
    """Show what became of the class, and two bars for each class.

    Args:
        compared: Both predictions side by side; the bar of the first stands above, and those of
            assigned classes are in the accent color.
        key: The component's own key.
    """
    _mount(data=paired.payload(compared), key=key)
