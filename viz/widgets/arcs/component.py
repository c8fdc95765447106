"""The arcs of one layer on the page."""

from collections.abc import Sequence

from viz.attention.views import AttentionView
from viz.widgets.arcs.payload import ARCS, payload
from viz.widgets.shared.component import register

_mount = register(ARCS)


def arcs(
    view: AttentionView,
    *,
    names: Sequence[str],
    selected: Sequence[int],
    title: str,
    key: str,
    note: str = "",
) -> None:
    """Show who looks at whom in one layer, several heads at once.

    Args:
        view: One layer, (1, H, n, m), as from `viz.attention.views.pick_layer`.
        names: What each of the H maps is called, e.g. "H0" or "mean".
        selected: Indices of the maps that are drawn first; the reader may select others.
        title: What the maps are of, e.g. "L3".
        key: The component's own key.
        note: A few words beside it.

    Raises:
        SelectionError: where names, selection and maps do not fit, or there is nothing to draw.
    """
    _mount(data=payload(view, names=names, selected=selected, title=title, note=note), key=key)
