"""What the HTML page of a comparison shows: the widgets of the Compare page."""

from collections.abc import Iterator

from viz.attention.views import AttentionView
from viz.comparison.descriptions import (
    change_ends,
    difference_title,
    head_summary,
    word_summary,
)
from viz.comparison.difference_maps import pick_difference
from viz.comparison.distance_statistics import DistanceStatistics
from viz.comparison.readings import ReadingComparison
from viz.export.page_content import MAX_WEIGHTS, PageContent
from viz.figures.comparison_kinds import ComparisonSpec
from viz.widgets.atlas import payload as atlas
from viz.widgets.bars import paired
from viz.widgets.bars import payload as bars
from viz.widgets.colored_text import changes
from viz.widgets.colored_text import payload as colored_text
from viz.widgets.heatmap import payload as heatmap
from viz.widgets.shared.widget import Widget

MEANING = "Blue: looks at it more in the second reading, orange: less."

Pictures = tuple[tuple[Widget, dict[str, object]], ...]


def words_page(spec: ComparisonSpec) -> PageContent:
    """The bars of the classes, and both texts as one in colored words."""
    compared = spec.comparison
    notes = () if compared.classes is None else compared.classes.notes
    notes += () if compared.words is None else compared.words.notes
    refused = [compared.refused[part] for part in ("classes", "words") if part in compared.refused]
    return PageContent((*_classes(compared), *_words(compared)), (*notes, *dict.fromkeys(refused)))


def heads_page(spec: ComparisonSpec) -> PageContent:
    """The differences of all heads, each of which opens where there are not too many."""
    compared = spec.comparison
    heads, shown = compared.require_heads(), compared.differences()
    layer, head = heads.most_changed[0]
    picture = atlas.payload(shown, DistanceStatistics.of(heads))
    picture |= {"selected": {"layer": layer, "head": head}}
    notes = (head_summary(heads), MEANING)
    if shown.weights.size > MAX_WEIGHTS:
        many = f"{shown.weights.size:,} weights are too many to carry along, so no head opens here."
        return PageContent(((atlas.ATLAS, picture),), (*notes, many))
    closeups = dict(_closeups(compared, shown))
    pictures = ((atlas.ATLAS, picture), (heatmap.HEATMAP, closeups[f"{layer}-{head}"]))
    return PageContent(pictures, notes, closeups)


def difference_page(spec: ComparisonSpec) -> PageContent:
    """The difference of one head."""
    shown = spec.comparison.differences()
    data = _closeup(spec.comparison, shown, spec.layer, spec.head)
    return PageContent(((heatmap.HEATMAP, data),), (MEANING,))


def _classes(compared: ReadingComparison) -> Pictures:
    if compared.classes is None:
        return ()
    return ((bars.BARS, paired.payload(compared.classes)),)


def _words(compared: ReadingComparison) -> Pictures:
    low, high, caption = "", "", ""
    if compared.words is not None:
        low, high = change_ends(compared.words, compared.first.prediction)
        caption = word_summary(compared.words, compared.first.prediction)
    data = changes.payload(
        compared.alignment, compared.first.encoding, compared.second.encoding, compared.words
    )
    labels = {"low": low, "high": high, "caption": caption, "opens": False}
    return ((colored_text.COLORED_TEXT, data | labels),)


def _closeups(
    compared: ReadingComparison, shown: AttentionView
) -> Iterator[tuple[str, dict[str, object]]]:
    """The difference of each head and each mean, by what the atlas selects."""
    n_layers, n_heads = shown.weights.shape[:2]
    for layer in (*range(n_layers), None):
        for head in (*range(n_heads), None):
            name = "-".join("null" if index is None else str(index) for index in (layer, head))
            yield name, _closeup(compared, shown, layer, head)


def _closeup(
    compared: ReadingComparison, shown: AttentionView, layer: int | None, head: int | None
) -> dict[str, object]:
    heads = compared.require_heads()
    is_mean = layer is None or head is None
    note = "mean of differences" if is_mean else f"distance {heads.distances[layer, head]:.2f}"
    one = pick_difference(shown, layer, head)
    return heatmap.payload(one, title=difference_title(heads, layer, head), note=note)
