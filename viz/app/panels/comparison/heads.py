"""Which heads look elsewhere: all of them, and the selected one in both readings."""

from collections.abc import Sequence

import streamlit as st

from viz.app import comparisons, keys, link
from viz.app.comparisons import ComparisonRequest, Side
from viz.app.markdown import plain
from viz.app.panels.comparison import save
from viz.app.panels.fragment import fragment
from viz.attention.rollout import place
from viz.comparison.descriptions import difference_title, head_summary
from viz.comparison.difference_maps import head_of_word, pick_difference
from viz.comparison.head_comparison import HeadComparison
from viz.comparison.word_comparison import WordChange
from viz.figures.spec import FigureSpec
from viz.widgets.atlas.component import Selection, atlas, selected_head
from viz.widgets.heatmap.component import heatmap
from viz.widgets.heatmap.payload import row_note

ATLAS = "compare-atlas"
SELECTED = "compare-head"
"""The layer and the head that the reader selected; not there before the first selection."""
MOST = "compare-most-changed-heads"
N_HEADS = 8
"""Heads that are listed."""
MEAN = "mean"
CAPTION = "Blue: looks at it more in the second, orange: less."


# A click in the atlas draws this panel again and leaves the rest of the page alone.
@fragment
def show(request: ComparisonRequest) -> None:
    """Show how far apart heads are, and the selected one in both readings."""
    compared = comparisons.comparison(request)
    st.subheader("Attention", anchor=False)
    if compared.heads is None:
        st.info(plain(compared.refused["heads"]), icon=":material/visibility_off:")
        save.offer(request, None)
        return
    layer, head = selection(compared.heads)
    st.caption(f"{plain(head_summary(compared.heads))} {CAPTION}")
    _list_heads(request, compared.heads, (layer, head))
    differences = comparisons.differences(request)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        atlas(
            differences.view,
            differences.statistics,
            layer=layer,
            head=head,
            key=ATLAS,
            on_change=_follow_atlas,
        )
    with right:
        one = pick_difference(differences.view, layer, head)
        distance = (
            "mean of differences"
            if layer is None or head is None
            else f"distance {compared.heads.distances[layer, head]:.2f}"
        )
        title = difference_title(compared.heads, layer, head)
        heatmap(one, title=title, note=distance, key="compare-map")
    _show_both(request, compared.heads, layer, head)
    save.offer(request, (layer, head))


def selection(heads: HeadComparison) -> Selection:
    """What was selected, came with the link, or else the head that changed most."""
    chosen = _linked() if link.decides(SELECTED) else st.session_state[SELECTED]
    if chosen is None or not _exists(chosen, heads):
        link.keep({keys.LAYER: None, keys.HEAD: None})
        return heads.most_changed[0]
    layer, head = chosen
    written = {keys.LAYER: layer, keys.HEAD: head}
    link.keep({name: MEAN if part is None else str(part) for name, part in written.items()})
    return layer, head


def select_for_word(request: ComparisonRequest, changed: Sequence[WordChange], key: str) -> None:
    """Select the head that looks most differently at the word that was chosen."""
    index = st.session_state[key]
    if index is not None:
        view = comparisons.differences(request).view
        st.session_state[SELECTED] = head_of_word(view, changed[index].edit)


def _linked() -> Selection | None:
    layer, head = link.number(keys.LAYER), link.number(keys.HEAD)
    is_mean = [st.query_params.get(key) == MEAN for key in (keys.LAYER, keys.HEAD)]
    if (layer is None and not is_mean[0]) or (head is None and not is_mean[1]):
        return None
    return layer, head


def _exists(chosen: Selection, heads: HeadComparison) -> bool:
    return all(
        index is None or 0 <= index < count
        for index, count in zip(chosen, heads.distances.shape, strict=True)
    )


def _follow_atlas() -> None:
    chosen = selected_head(ATLAS)
    if chosen is not None:
        st.session_state[SELECTED] = chosen


def _list_heads(request: ComparisonRequest, heads: HeadComparison, current: Selection) -> None:
    """The heads that changed most; a click selects one."""
    most = [each for each in heads.most_changed[:N_HEADS] if heads.distances[each] >= 0.005]
    if not most:
        return
    by_number = heads.matching == "number"
    key = f"{MOST}-{hash(request)}"
    st.session_state[key] = next((i for i, each in enumerate(most) if each == current), None)

    def follow() -> None:
        index = st.session_state[key]
        if index is not None:
            st.session_state[SELECTED] = most[index]

    st.pills(
        "Heads that changed most" if by_number else "Heads whose nearest is farthest",
        range(len(most)),
        format_func=lambda index: f"{place(*most[index])}  {heads.distances[most[index]]:.2f}",
        key=key,
        wrap=True,
        on_change=follow,
    )


def _show_both(
    request: ComparisonRequest, heads: HeadComparison, layer: int | None, head: int | None
) -> None:
    """The map of the selected head in the first reading, and its counterpart in the second."""
    if heads.matching == "nearest" and None in (layer, head):
        return  # the mean of what each head is compared with is the map of no head
    other = heads.counterpart(layer, head)
    sides = (("first", request.first, (layer, head)), ("second", request.second, other))
    for column, (name, side, chosen) in zip(st.columns(2, gap="medium"), sides, strict=True):
        with column:
            _show_map(name, side, chosen)


def _show_map(name: str, side: Side, chosen: Selection) -> None:
    layer, head = chosen
    one = FigureSpec(comparisons.reading(side), "head", layer=layer, head=head).view()
    note = f"{name} · {row_note(one, 'all')}"
    heatmap(one, title=place(*chosen), note=note, key=f"compare-map-{name}")
