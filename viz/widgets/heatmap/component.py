"""The heat map of one head on the page."""

from viz.attention.views import AttentionView
from viz.widgets.heatmap.payload import HEATMAP, payload
from viz.widgets.shared.component import register

_mount = register(HEATMAP)


def heatmap(view: AttentionView, *, title: str, key: str, note: str = "") -> None:
    """Show one map at full resolution, with the exact value of every cell.

    Args:
        view: One map, (1, 1, n, m), as from `viz.attention.views.pick`.
        title: What the map is of, e.g. "L3 · H7".
        key: The component's own key.
        note: A few words beside it.

    Raises:
        SelectionError: where more than one map is given, or one without rows or columns.
    """
    _mount(data=payload(view, title=title, note=note), key=key)
