"""Where every head looks: the atlas of all heads, and the one that is selected."""

from collections.abc import Callable

import streamlit as st

from viz.app import checkpoints, keys, readings
from viz.app.markdown import plain
from viz.app.panels import closeup, heads_off, long_heads, long_reading
from viz.app.panels.closeup import Selection
from viz.app.panels.fragment import fragment
from viz.app.panels.text import Texts
from viz.attention import deciding_token
from viz.attention.long_view import LongView
from viz.attention.views import QUADRANTS, AttentionView, Quadrant
from viz.attention.words import Unit
from viz.attribution import METHODS, resolve_target
from viz.attribution.descriptions import explained_scalar, outcome
from viz.types import MissingAttention, Reading
from viz.widgets.atlas.component import atlas, selected_head, toggled

MEAN = "mean"
"""What a reader picks for the mean over layers or heads."""
WEIGHTS = "weights"
CONTRIBUTION = "contribution"


# A click in the atlas draws this panel again and leaves the rest of the page alone.
@fragment
def show_heads(
    source: str,
    texts: Texts,
    classes: readings.ExplainedClasses,
    beneath: Callable[[Selection | None], None],
) -> None:
    """Show the atlas and the selected head, or a sentence where the network has no maps.

    Args:
        source: The checkpoint.
        texts: What was read.
        classes: The class that contributions explain, and what it is compared with.
        beneath: Draws what stands under both, given what is selected; None where nothing can be.
    """
    if not heads_off.is_current(texts):
        st.rerun()  # the whole page: with heads off, all that it shows is another
    # Streamlit keeps what a fragment is given after its tab is closed: so not the reading itself.
    reading = readings.read(source, *texts.inputs)
    if isinstance(reading.attention, MissingAttention):
        st.subheader("Attention", anchor=False)
        st.info(plain(reading.attention.reason), icon=":material/visibility_off:")
        beneath(None)
        return
    splits = METHODS["decomposition"].refusal(checkpoints.classifier(source)) is None
    # Where there is a decoder too, the maps shown are those of the encoder.
    is_encoder = bool(checkpoints.classifier(source).config.is_encoder_decoder)
    selection = _choose_selection(
        reading,
        classes,
        [WEIGHTS, CONTRIBUTION] if splits else [WEIGHTS],
        note=f"{_where_read(reading, is_encoder=is_encoder)} {heads_off.sentence(source, texts)}",
    )
    if not long_reading.wait_for_contribution(source, texts, selection.options.explained):
        return
    view = readings.view(source, texts.text, texts.pair, selection.options, *texts.inputs[2:])
    left, right = st.columns([5, 6], gap="medium")
    if isinstance(view, LongView):
        long_heads.show(source, texts, view, selection, (left, right), on_change=_follow_atlas)
    else:
        with left:
            _show_atlas(source, texts, view, selection)
        with right:
            closeup.show(reading, view, selection)
    beneath(selection)


def _choose_selection(
    reading: Reading, classes: readings.ExplainedClasses, measures: list[str], *, note: str
) -> Selection:
    title, controls = st.columns([5, 6], gap="medium", vertical_alignment="bottom")
    with title.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader("Attention", anchor=False, width="content")
        explained = classes if _choose_measure(reading, measures) == CONTRIBUTION else None
    title.caption(f"{_caption(reading, explained)} {note}".rstrip())
    with controls.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer = _choose(keys.LAYER, reading.attention.n_layers, default=-1)
        head = _choose(keys.HEAD, reading.attention.n_heads, default=None)
        unit = _choose_unit()
        special = _choose_special(reading)
        part = "all" if reading.encoding.pair is None else _choose_quadrant()
    return Selection(layer, head, readings.ViewOptions(unit, special, explained, part))


def _choose_measure(reading: Reading, measures: list[str]) -> str:
    if st.session_state.get(keys.MEASURE, WEIGHTS) not in measures:
        del st.session_state[keys.MEASURE]  # chosen for a checkpoint that allows it
    contribution = f"contribution to the {outcome(reading.prediction)}"
    return str(
        st.segmented_control(
            "What is shown",
            measures,
            default=WEIGHTS,
            format_func={WEIGHTS: WEIGHTS, CONTRIBUTION: contribution}.__getitem__,
            required=True,
            key=keys.MEASURE,
            bind="query-params",
            label_visibility="collapsed",
        )
    )


def _caption(reading: Reading, explained: readings.ExplainedClasses | None) -> str:
    if explained is None:
        return "Where heads look. Attention alone is not an explanation."
    target = resolve_target(reading.prediction, *explained)
    scalar = plain(explained_scalar(reading.prediction, target))
    return f"What each weight contributes to {scalar}: weight × slope, attention fixed."


def _where_read(reading: Reading, *, is_encoder: bool) -> str:
    """Where the class is read from, if that isn't [CLS], and whose maps these are."""
    sentence = plain(deciding_token.sentence(reading) or "")
    if not is_encoder:
        return sentence
    maps = "these are the maps of the encoder"
    return f"{sentence[:-1]}, in the decoder; {maps}." if sentence else f"{maps.capitalize()}."


def _choose_unit() -> Unit:
    wordpieces = st.segmented_control(
        "Rows and columns",
        ["words", "wordpieces"],
        default="words",
        required=True,
        key=keys.UNIT,
        bind="query-params",
        label_visibility="collapsed",
    )
    return "wordpiece" if wordpieces == "wordpieces" else "word"


def _choose_special(reading: Reading) -> bool:
    """Whether special tokens are shown; some tokenizers of decoders add none."""
    if not any(token.special for token in reading.encoding.tokens):
        return True
    return st.toggle("Special tokens", True, key=keys.SPECIAL, bind="query-params")


def _choose_quadrant() -> Quadrant:
    return st.segmented_control(
        "Which text looks at which",
        QUADRANTS,
        default="all",
        required=True,
        key=keys.QUADRANT,
        bind="query-params",
        label_visibility="collapsed",
        help="Of the two texts A and B: the one that looks, and the one looked at.",
    )


def _choose(key: str, count: int, *, default: int | None) -> int | None:
    """Let the reader pick a layer or a head by number, or the mean of all."""
    options = [*(str(index) for index in range(count)), MEAN]
    place = count if default is None else default % count
    chosen = st.selectbox(
        key.capitalize(), options, index=place, key=key, bind="query-params", width=96
    )
    return None if chosen == MEAN else int(chosen)


def _show_atlas(source: str, texts: Texts, view: AttentionView, selection: Selection) -> None:
    atlas(
        view,
        readings.head_statistics(source, *texts.inputs),
        layer=selection.layer,
        head=selection.head,
        key=keys.ATLAS,
        off=texts.without,
        toggles=True,
        on_change=_follow_atlas,
    )


def _follow_atlas() -> None:
    """Carry a click in the atlas over to the layer and head that are selected."""
    selected = selected_head(keys.ATLAS)
    if selected is not None:
        layer, head = selected
        if toggled(keys.ATLAS):
            heads_off.toggle(layer, head)
        st.session_state[keys.LAYER] = MEAN if layer is None else str(layer)
        st.session_state[keys.HEAD] = MEAN if head is None else str(head)
