"""Pictures as PNG: the numbers of the view, nothing cut off, and texts that are only data."""

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import MappingProxyType

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from viz import export
from viz.attention import select
from viz.attribution.wording import summary
from viz.errors import SelectionError
from viz.export.flow import flow, pieces
from viz.export.fonts import BOX, REPLACEMENT, Style, drawable, label, width
from viz.export.grain import grain, pooled
from viz.export.page import wrap
from viz.types import Attention, Attribution, Encoding, FloatArray, Prediction, Reading, Token
from viz.words import Unit, spans, view

LABELS = ("World", "Sports", "Business", "Sci/Tech")
TEXT = "Oil prices rise as international stocks fall, the market was not good."
ODD = "Costs $5 or $x^2$ <b>bold</b> \\alpha 😀 \ud800 \x07bell 周二 שלום " + "long" * 12

PICTURES = ("head", "layer", "atlas", "attribution")


def encode(text: str, pair: str | None = None) -> Encoding:
    """[CLS], then runs of letters, single ideographs and signs, then [SEP]; long runs split."""
    tokens = [Token("[CLS]", 0, 0, None, True)]
    word = 0
    for part, source in enumerate(filter(None, (text, pair))):
        for match in re.finditer(r"[\u4e00-\u9fff]|\w+|[^\w\s]", source):
            start, end = match.span()
            cut = start + 5 if end - start > 7 else end
            tokens.append(Token(source[start:cut], start, cut, word, False, part))
            if cut < end:
                tokens.append(Token("##" + source[cut:end], cut, end, word, False, part))
            word += 1
        tokens.append(Token("[SEP]", 0, 0, None, True))
    ids = np.zeros(len(tokens), dtype=np.int64)
    return Encoding(text, pair, tuple(tokens), MappingProxyType({"input_ids": ids}))


def read(
    text: str = TEXT,
    pair: str | None = None,
    shape: tuple[int, int] = (2, 3),
    labels: tuple[str, ...] = LABELS,
) -> Reading:
    """A reading with random weights, as sharp as those of a trained model."""
    encoding = encode(text, pair)
    size = (*shape, encoding.n_tokens, encoding.n_tokens)
    raw = np.exp(np.random.default_rng(0).normal(0, 2, size))
    weights = np.asarray(raw / raw.sum(-1, keepdims=True), dtype=np.float32)
    logits = np.linspace(-1, 2, len(labels))
    probabilities = np.exp(logits) / np.exp(logits).sum()
    prediction = Prediction(labels, logits, probabilities)
    return Reading(encoding, prediction, Attention(weights), "tiny-bert")


def attribution_of(reading: Reading, method: str = "decomposition") -> Attribution:
    """Random scores, with a bias that makes them add up for the decomposition alone."""
    scores = np.random.default_rng(1).normal(0, 0.4, reading.encoding.n_tokens)
    prediction = reading.prediction
    target = prediction.predicted_class
    against = prediction.runner_up(target)
    assert against is not None
    value = float(prediction.logits[target] - prediction.logits[against])
    bias = value - float(scores.sum()) if method == "decomposition" else None
    scores = np.abs(scores) if method == "rollout" else scores
    return Attribution(scores, value, bias, method, target, against)


def picture(kind: str, reading: Reading, *, unit: Unit = "word", dpi: int = 80) -> bytes:
    if kind == "head":
        return export.head_png(reading, layer=1, head=0, unit=unit, dpi=dpi)
    if kind == "layer":
        return export.layer_png(reading, layer=1, unit=unit, dpi=dpi)
    if kind == "atlas":
        return export.atlas_png(reading, unit=unit, dpi=dpi)
    return export.attribution_png(reading, attribution_of(reading), unit=unit, dpi=dpi)


def decode(data: bytes) -> NDArray[np.uint8]:
    """(height, width, 3)"""
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def shown(figure: Figure, number: int = 0) -> FloatArray:
    """The array behind the map with this number."""
    images = [image for axes in figure.axes for image in axes.images]
    return np.asarray(images[number].get_array())


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("good", None),
        (TEXT, None),
        (TEXT, "And a second text."),
        (ODD, "$$ <script>"),
        ("周二" * 40, None),
    ],
    ids=["one word", "sentence", "pair", "odd characters", "Chinese"],
)
def test_a_picture_has_content_and_free_margins(kind: str, text: str, pair: str | None) -> None:
    pixels = decode(picture(kind, read(text, pair)))
    margin = 10
    edges = (pixels[:margin], pixels[-margin:], pixels[:, :margin], pixels[:, -margin:])
    assert all((edge == 255).all() for edge in edges)
    assert (pixels.min(-1) < 200).mean() > 0.005


@pytest.mark.parametrize("kind", PICTURES)
def test_wordpieces_can_be_drawn_too(kind: str) -> None:
    assert picture(kind, read(), unit="wordpiece") != picture(kind, read())


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_of_many_tokens_keeps_within_limits(kind: str) -> None:
    data = picture(kind, read("word and " * 250), dpi=150)
    assert max(decode(data).shape) < 3000
    assert len(data) < 5_000_000


@pytest.mark.parametrize("kind", ["head", "layer", "attribution"])
def test_a_picture_grows_with_its_text(kind: str) -> None:
    short, long = (decode(picture(kind, read("word and " * count))).shape for count in (4, 40))
    assert short[0] < long[0]


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize(("layer", "head"), [(1, 2), (1, None), (None, 2), (None, None)])
def test_a_head_shows_the_numbers_of_the_view(
    special: bool, layer: int | None, head: int | None
) -> None:
    reading = read()
    figure = export.head_figure(reading, layer=layer, head=head, special=special)
    numbers = view(reading.encoding, reading.attention.weights, special=special).weights
    np.testing.assert_allclose(shown(figure), select(numbers, layer, head), atol=1e-6)


def test_a_layer_shows_every_head_of_the_view() -> None:
    reading = read(shape=(2, 5))
    figure = export.layer_figure(reading, layer=1, special=False)
    numbers = view(reading.encoding, reading.attention.weights, special=False).weights
    for head in range(5):
        np.testing.assert_allclose(shown(figure, head), numbers[1, head], atol=1e-6)
    assert [text for text in texts(figure) if text.startswith("Head")] == [
        f"Head {head}" for head in range(5)
    ]


def test_the_atlas_names_layers_and_heads() -> None:
    assert {"L0", "L1", "H0", "H1", "H2"} <= set(texts(export.atlas_figure(read())))


def test_pooling_keeps_a_single_strong_weight() -> None:
    weights = np.zeros((1, 1, 7, 7), dtype=np.float32)
    weights[0, 0, 6, 3] = 1
    expected = np.zeros((1, 1, 3, 3), dtype=np.float32)
    expected[0, 0, 2, 1] = 1
    np.testing.assert_array_equal(pooled(weights, 3), expected)


def test_blues_is_the_default_and_another_colormap_can_be_named() -> None:
    reading = read()
    plain = export.head_png(reading, layer=0, head=0)
    assert plain == export.head_png(reading, layer=0, head=0, colormap="Blues")
    assert plain != export.head_png(reading, layer=0, head=0, colormap="viridis")
    blue = decode(plain).reshape(-1, 3).astype(int)
    assert (blue[:, 2] - blue[:, 0]).max() > 80
    assert (blue[:, 0] - blue[:, 2]).max() < 20


def test_an_unknown_colormap_is_refused() -> None:
    with pytest.raises(SelectionError, match="'nope' is unknown"):
        export.atlas_png(read(), colormap="nope")


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (-1, 0), (0, 3)])
def test_a_layer_or_head_that_does_not_exist_is_refused(layer: int, head: int) -> None:
    with pytest.raises(SelectionError, match="does not exist"):
        export.head_png(read(), layer=layer, head=head)


def test_a_text_of_special_tokens_alone_is_refused() -> None:
    with pytest.raises(SelectionError, match="Only special tokens"):
        export.atlas_png(read(" "), special=False)


def test_the_title_states_class_place_checkpoint_and_what_was_removed() -> None:
    reading = read()
    lines = texts(export.head_figure(reading, layer=1, head=2, special=False))
    assert lines[0] == "Sci/Tech  64.4\u00a0%"
    assert "L1 · H2" in lines[1]
    assert "tiny-bert" in lines[1]
    removed = view(reading.encoding, reading.attention.weights[1:, 2:], special=False).removed
    assert f"on average {100 * removed.mean():.0f}\u00a0%" in " ".join(lines)


def test_the_title_says_when_the_text_was_cut() -> None:
    whole = read()
    seen = whole.encoding
    cut = Encoding(seen.text + " more", None, seen.tokens, seen.inputs, n_unseen=1234)
    reading = Reading(cut, whole.prediction, whole.attention, "tiny-bert")
    assert "1,234 tokens were not read." in " ".join(texts(export.atlas_figure(reading)))


def test_user_text_is_never_markup() -> None:
    reading = read("$x^2$ <b>bold</b>", labels=("$\\frac{1}{2}$", "a\x00b\ud800"))
    figure = export.head_figure(reading, layer=0, head=0)
    every = [text for axes in figure.axes for text in axes.texts]
    assert not any(text.get_parse_math() for text in every)
    assert texts(figure)[0].startswith(f"a{REPLACEMENT}b{REPLACEMENT}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\tb\nc", "a b c"),
        ("\x07\ud800", REPLACEMENT * 2),
        ("a\u202eb\u200d", "ab"),
        ("\U0001f9ff\U000e0fff", BOX * 2),
    ],
)
def test_drawable_text_has_only_characters_that_a_font_has(text: str, expected: str) -> None:
    assert drawable(text) == expected


def test_a_long_label_is_shortened_and_an_empty_one_is_a_box() -> None:
    assert label("x" * 24) == "x" * 24
    assert label("x" * 25) == "x" * 23 + "…"
    assert label("\u200d") == BOX


@pytest.mark.parametrize("count", [1, 5, 40, 128, 512, 5000])
@pytest.mark.parametrize("dpi", [72, 150])
def test_labels_of_a_map_never_touch(count: int, dpi: int) -> None:
    over = grain(count, dpi, usual=480, largest=1000)
    assert over.side <= 1000 * dpi / 72 + 1
    assert over.step * over.pitch >= over.label_size * dpi / 72


def test_wrapped_lines_fit_and_keep_every_character() -> None:
    text = "some words and " + "x" * 300 + " more"
    style = Style(9)
    lines = wrap(text, style, 200, 100)
    assert all(width(line, style, 100) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("text", [TEXT, ODD, "周二下跌，但是" * 30, "a  b\n\nc d! "])
def test_the_flowing_text_is_the_whole_text(text: str, unit: Unit) -> None:
    run = pieces(text, spans(encode(text), unit), 0)
    placed = flow(run, Style(10), 300, 100)
    written = "".join(place.piece.text for place in placed)
    assert written == re.sub(r"\s", "", drawable(text))
    assert all(place.x + place.wide <= 300 for place in placed)


def test_what_was_not_read_is_shown_shortened_and_without_a_colour() -> None:
    text = "read this " + "unread " * 200
    over = [span for span in spans(encode(text)) if span.special or span.end <= 9]
    run = pieces(text, over, 0)
    assert [piece.text for piece in run if piece.read] == ["read", "this"]
    assert "more characters)" in " ".join(piece.text for piece in run)


def test_the_summary_of_a_decomposition_adds_up() -> None:
    reading = read()
    attribution = attribution_of(reading)
    line = summary(reading, attribution, signed=True)
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"[+−]\d+\.\d+", line)]
    assert sum(numbers[:3]) == pytest.approx(numbers[3], abs=0.02)
    assert numbers[3] == pytest.approx(attribution.value, abs=0.01)
    assert line.endswith("= logit Sci/Tech − logit Business")


def test_a_method_without_bias_claims_no_sum() -> None:
    reading = read()
    line = summary(reading, attribution_of(reading, "input-x-gradient"), signed=True)
    assert "sum" not in line
    assert "need not add up" in line


def test_an_unsigned_method_is_captioned_as_where_it_looks() -> None:
    reading = read()
    lines = texts(export.attribution_figure(reading, attribution_of(reading, "rollout")))
    assert any("not an explanation" in line for line in lines)
    assert not any("logit" in line or "+" in line for line in lines)


def test_pictures_drawn_in_threads_equal_those_drawn_alone() -> None:
    readings = [read(f"text number {number} has {'a' * number} $ 周二") for number in range(8)]
    alone = [picture("head", reading) for reading in readings]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda reading: picture("head", reading), readings))
    assert together == alone


@pytest.mark.parametrize(
    ("checkpoint", "expected"),
    [
        ("ag-news-minilm", "ag-news-minilm-head-L3-H7.png"),
        ("../../etc/passwd", "etc-passwd-head-L3-H7.png"),
        ("a b\x00/\ud800é", "a-b-head-L3-H7.png"),
        ("..", "checkpoint-head-L3-H7.png"),
    ],
)
def test_file_names_are_safe(checkpoint: str, expected: str) -> None:
    whole = read()
    reading = Reading(whole.encoding, whole.prediction, whole.attention, checkpoint)
    assert export.file_name(reading, kind="head", layer=3, head=7) == expected


def test_file_names_tell_pictures_apart() -> None:
    reading = read()
    names = {
        export.file_name(reading, kind="head", layer=1),
        export.file_name(reading, kind="head", layer=1, head=1),
        export.file_name(reading, kind="head"),
        export.file_name(reading, kind="layer", layer=1),
        export.file_name(reading, kind="atlas"),
        export.file_name(reading, kind="attribution", method="rollout"),
        export.file_name(reading, kind="attribution", method="decomposition"),
    }
    assert len(names) == 7
    assert "tiny-bert-attribution-rollout.png" in names
