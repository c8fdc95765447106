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
    chosen: Sequence[int],
    place: str,
    key: str,
    note: str = "",
) -> None:
    """Show who looks at whom in one layer, several heads at once.

    Args:
        view: One layer, (1, H, n, m), as from `viz.attention.views.pick_layer`.
        names: What each of the H maps is called, e.g. "H0" or "mean".
        chosen: Indices of the maps that are drawn first; the reader may choose others.
        place: What the maps are of, e.g. "L3".
        key: The component's own key.
        note: A few words beside it.

    Raises:
        SelectionError: where names, choice and maps do not fit, or there is nothing to draw.
    """
    _mount(data=payload(view, names=names, chosen=chosen, place=place, note=note), key=key)
