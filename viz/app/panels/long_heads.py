"""Where every head of a long text looks: the atlas, and the selected head closely."""

from collections.abc import Callable

from streamlit.delta_generator import DeltaGenerator

from viz.app import checkpoints, keys, long_maps, readings
from viz.app.long_maps import LongMap
from viz.app.panels import job_progress, long_closeup
from viz.app.panels.closeup import Selection
from viz.app.panels.text import Texts
from viz.attention.long_view import LongView
from viz.widgets.atlas.component import long_atlas

SHARE_OF_PASS = 0.5
"""About how many passes the maps of all heads take once more."""


def show(
    source: str,
    texts: Texts,
    view: LongView,
    selection: Selection,
    columns: tuple[DeltaGenerator, DeltaGenerator],
    on_change: Callable[[], None],
) -> None:
    """Show the atlas as soon as it is known, and the selected head.

    Args:
        source: The checkpoint.
        texts: What was read.
        view: The maps.
        selection: What the reader looks at.
        columns: Where both stand.
        on_change: Called before the rerun that a click in the atlas brings.
    """
    key = ("thumbnails", checkpoints.identity(source), texts.inputs, selection.options)
    small = long_maps.thumbnails(view, key)
    left, right = columns
    with left:
        if small is None:
            seconds = SHARE_OF_PASS * readings.seconds_per_pass(source, *texts.inputs)
            job = long_maps.thumbnails_job(view, key)
            small = job_progress.result(job, "thumbnails", label="All heads", seconds=seconds)
        if small is not None:
            long_atlas(
                view,
                small,
                readings.head_statistics(source, *texts.inputs),
                layer=selection.layer,
                head=selection.head,
                key=keys.ATLAS,
                off=texts.without,
                toggles=True,
                on_change=on_change,
            )
    with right:
        shown = LongMap(source, texts, selection.options, selection.layer, selection.head)
        long_closeup.show(shown, view, small)
