"""Pictures: the numbers of the figure's view, nothing cut off, alike at every resolution."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from finetune.checkpoint.windows import WindowSettings
from tests.synthetic import TEXT, attribution_of, figure_spec, read
from viz import export
from viz.attention.pooling import pool
from viz.attention.views import QUADRANTS, Quadrant
from viz.attribution.descriptions import summary
from viz.errors import SelectionError
from viz.export import FigureSpec, RenderOptions, figure, render
from viz.export.filenames import archive_name
from viz.export.report import report
from viz.figures.arcs import MAX_ARCS, strongest_pairs
from viz.figures.canvas import rasters, text_lines
from viz.figures.citation import citation
from viz.figures.grid import DOT, fit_grid
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.text.fonts import REPLACEMENT
from viz.types import DocumentPart

ODD = "Costs $5 or $x^2$ <b>bold</b> \\alpha 😀 \ud800 \x07bell 周二 שלום " + "long" * 12
Drawn = Literal["png", "svg", "pdf"]


def decode(data: bytes) -> NDArray[np.uint8]:
    """(height, width, 3)"""
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def texts(drawn: Figure) -> list[str]:
    return [line.text for line in text_lines(drawn)]


@pytest.mark.parametrize("kind", FIGURE_KINDS)
@pytest.mark.parametrize("contribution", [False, True])
@pytest.mark.parametrize(
    ("text", "pair"),
    [("good", None), (TEXT, None), (TEXT, "And a second text."), (ODD, "$$ <script>")],
    ids=["one word", "sentence", "pair", "odd characters"],
)
def test_a_picture_has_content_and_free_margins(
    kind: str, contribution: bool, text: str, pair: str | None
) -> None:
    shown = figure_spec(kind, read(text, pair), contribution=contribution)
    pixels = decode(render(shown, "png", RenderOptions(80)))
    margin = 10
    edges = (pixels[:margin], pixels[-margin:], pixels[:, :margin], pixels[:, -margin:])
    assert all((edge == 255).all() for edge in edges)
    assert (pixels.min(-1) < 200).mean() > 0.005


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_wordpieces_can_be_drawn_too(kind: str) -> None:
    drawn = {render(figure_spec(kind, unit=unit), "png") for unit in ("word", "wordpiece")}
    assert len(drawn) == 2


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_a_picture_of_many_tokens_keeps_within_limits(kind: str) -> None:
    data = render(figure_spec(kind, read("word and " * 250)), "png")
    assert max(decode(data).shape) < 3000
    assert len(data) < 5_000_000


@pytest.mark.parametrize("kind", ["head", "layer", "arcs", "attribution"])
def test_a_picture_grows_with_its_text(kind: str) -> None:
    short, long = (figure(figure_spec(kind, read("word and " * count))) for count in (4, 40))
    assert short.get_size_inches()[1] < long.get_size_inches()[1]


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_a_page_is_equally_large_at_every_resolution(kind: str) -> None:
    usual = figure(figure_spec(kind), RenderOptions(150)).get_size_inches()
    for dpi in (72, 300, 1200):
        np.testing.assert_allclose(
            figure(figure_spec(kind), RenderOptions(dpi)).get_size_inches(), usual, atol=0.02
        )


@pytest.mark.parametrize("kind", [kind for kind in FIGURE_KINDS if kind != "attribution"])
def test_maps_of_a_base_model_are_shown_without_a_class(kind: str) -> None:
    shown = figure_spec(kind, read(labels=()))
    assert "no class  without a classification head" in texts(figure(shown))
    assert b"without a classification head" in render(shown, "html")
    for format in ("png", "csv", "npz", "json"):
        assert render(shown, format)


@pytest.mark.parametrize("kind", ["head", "attribution"])
def test_an_explanation_of_another_reading_is_refused(kind: str) -> None:
    shown = figure_spec(kind, read(TEXT, "Prices fall."), contribution=True)
    reading, name = shown.reading, "attribution" if kind == "attribution" else "contribution"
    explained = replace(getattr(shown, name), reading=reading)
    assert replace(shown, **{name: explained})
    assert replace(shown, **{name: explained}, reading=replace(reading, checkpoint="renamed"))
    window = DocumentPart(TEXT, WindowSettings(stride=25), 1)
    text, pair = reading.encoding.text, reading.encoding.pair
    for other, different in (
        (replace(reading, fingerprint="f" * 64), "weights"),
        (replace(reading, encoding=replace(reading.encoding, text=text.upper())), "texts"),
        (replace(reading, encoding=replace(reading.encoding, pair=f"{pair}!")), "second texts"),
        (replace(reading, without=((0, 1),)), "heads that are off"),
        (replace(reading, document=window), "windows"),
    ):
        with pytest.raises(SelectionError, match=rf"\({different} differ\)"):
            replace(shown, **{name: explained}, reading=other)
    with pytest.raises(SelectionError, match=rf"of {reading.encoding.n_tokens} tokens, but 3 were"):
        replace(shown, reading=read("good"))


@pytest.mark.parametrize("dpi", [71, 1201, 0, -5])
def test_a_resolution_out_of_range_is_refused(dpi: int) -> None:
    with pytest.raises(SelectionError, match="use 72 to 1200, 300 for print"):
        render(figure_spec("head"), "png", RenderOptions(dpi))


def test_more_dots_than_memory_holds_are_refused_with_what_fits() -> None:
    shown = figure_spec("layer", read("word and " * 250, shape=(2, 12)))
    with pytest.raises(SelectionError, match=r"choose \d+ or less") as refused:
        render(shown, "png", RenderOptions(1200))
    fitting = re.search(r"choose (\d+)", str(refused.value))
    assert fitting is not None
    assert int(fitting[1]) < 1200


@pytest.mark.parametrize("contribution", [False, True])
@pytest.mark.parametrize("quadrant", QUADRANTS)
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize(("layer", "head"), [(1, 2), (1, None), (None, 2), (None, None)])
def test_a_head_shows_the_numbers_of_the_view(
    contribution: bool, quadrant: Quadrant, special: bool, layer: int | None, head: int | None
) -> None:
    shown = figure_spec(
        "head",
        read(TEXT, "A second text"),
        layer=layer,
        head=head,
        special=special,
        quadrant=quadrant,
        contribution=contribution,
    )
    drawn = rasters(figure(shown))[0]
    np.testing.assert_array_equal(drawn.values, shown.view().weights[0, 0])
    rows, columns = drawn.values.shape
    np.testing.assert_allclose(drawn.place.width / drawn.place.height, columns / rows)


@pytest.mark.parametrize("kind", ["layer", "atlas"])
def test_every_head_shows_the_numbers_of_the_view(kind: str) -> None:
    shown = figure_spec(kind, read(TEXT, "More", shape=(2, 5)), special=False, quadrant="A-B")
    numbers = shown.view().weights
    maps = rasters(figure(shown))[:-1]  # the last one is the color scale
    for drawn, expected in zip(maps, numbers.reshape(-1, *numbers.shape[2:]), strict=True):
        np.testing.assert_array_equal(drawn.values, expected)


@pytest.mark.parametrize("kind", ["head", "layer", "atlas"])
def test_colors_follow_the_square_root_as_on_screen(kind: str) -> None:
    color_scale = rasters(figure(figure_spec(kind)))[0].color_scale
    assert [color_scale.share(color_scale.high * part) for part in (0, 0.25, 1)] == pytest.approx(
        [0, 0.5, 1]
    )


def test_contributions_are_colored_to_both_sides_of_0() -> None:
    color_scale = rasters(
        figure(figure_spec("head", contribution=True), RenderOptions(colormap="viridis"))
    )[0].color_scale
    against, nothing, speaks_for = color_scale.colors(
        np.array([color_scale.low, 0.0, color_scale.high])
    )
    assert tuple(nothing) == (255, 255, 255, 255)
    assert against[0] > against[2]
    assert speaks_for[2] > speaks_for[0]
    assert color_scale.low == -color_scale.high


def test_a_scale_of_contributions_is_named_so() -> None:
    assert "contribution" in texts(figure(figure_spec("head", contribution=True)))
    assert "attention weight" in texts(figure(figure_spec("head")))


def test_a_dot_shows_the_strongest_of_the_numbers_it_covers() -> None:
    values = np.zeros((7, 7), dtype=np.float32)
    values[6, 3], values[6, 4], values[0, 0] = 1, -2, -1
    expected = np.array([[-1, 0, 0], [0, 0, 0], [0, 1, -2]], dtype=np.float32)
    np.testing.assert_array_equal(pool(values, 3, 3), expected)


@pytest.mark.parametrize(("count", "said"), [(4, False), (300, True)])
def test_a_map_with_more_numbers_than_dots_says_so(count: int, said: bool) -> None:
    lines = " ".join(texts(figure(figure_spec("layer", read("word and " * count)))))
    assert ("shows the strongest" in lines) == said


def test_a_map_of_few_numbers_is_made_of_equal_rectangles() -> None:
    drawn = rasters(figure(figure_spec("head", read("good"))))[0]
    dots = drawn.dots(30, 30)
    cells = dots.reshape(3, 10, 3, 10, 4)
    assert (cells == cells[:, :1, :, :1]).all()


def test_the_strongest_arcs_are_drawn_and_their_share_is_stated() -> None:
    shown = figure_spec("arcs", read("word and " * 40))
    weights = shown.view().weights[0, 0]
    queries, keys = strongest_pairs(weights)
    kept = np.zeros(weights.shape, dtype=bool)
    kept[queries, keys] = True
    assert kept.sum() == MAX_ARCS
    assert weights[kept].min() >= weights[~kept].max()
    share = 100 * weights[kept].sum() / weights.sum()
    note = " ".join(texts(figure(shown)))
    assert f"The strongest 400 of {weights.size:,} arcs are drawn" in note
    assert f"they hold {share:.0f}% of the weight" in note


def test_blues_is_the_default_and_another_colormap_can_be_named() -> None:
    plain = render(figure_spec("head"), "png")
    assert plain == render(figure_spec("head"), "png", RenderOptions(colormap="Blues"))
    assert plain != render(figure_spec("head"), "png", RenderOptions(colormap="viridis"))
    blue = decode(plain).reshape(-1, 3).astype(int)
    assert (blue[:, 2] - blue[:, 0]).max() > 80
    assert (blue[:, 0] - blue[:, 2]).max() < 20


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_an_unknown_colormap_is_refused(kind: str) -> None:
    with pytest.raises(SelectionError, match="'nope' is unknown"):
        render(figure_spec(kind), "png", RenderOptions(colormap="nope"))


def test_a_text_of_special_tokens_alone_is_refused() -> None:
    with pytest.raises(SelectionError, match="Only special tokens"):
        figure(figure_spec("atlas", read(" "), special=False))


def test_the_title_states_class_place_checkpoint_and_what_was_removed() -> None:
    shown = figure_spec("head", layer=1, head=2, special=False)
    lines = texts(figure(shown))
    assert lines[0] == "Sci/Tech  64.4%"
    assert "L1 · H2" in lines[1]
    assert "tiny-bert" in lines[1]
    removed = 100 * shown.view().removed.mean()
    assert f"on average {removed:.0f}%" in " ".join(lines)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_the_citation_stands_at_the_foot_whole(kind: str) -> None:
    shown = figure_spec(kind, read(labels=("A" * 60, "B" * 200)), contribution=True)
    drawn = text_lines(figure(shown))
    words = "".join(line.text for line in drawn).replace(" ", "")
    assert citation(shown).sentence().replace(" ", "") in words
    assert max(drawn, key=lambda line: line.y) == drawn[-1]
    assert "0123456789ab" in words


def test_a_quadrant_is_said_not_to_sum_to_1() -> None:
    lines = " ".join(texts(figure(figure_spec("head", read(TEXT, "More"), quadrant="A-B"))))
    assert "Only the first text looking at the second" in lines
    assert "sums to 1" not in lines


def test_the_title_says_when_the_text_was_cut() -> None:
    whole = read()
    cut = replace(whole, encoding=replace(whole.encoding, n_unseen=1234))
    assert "1,234 tokens were not read." in " ".join(texts(figure(figure_spec("atlas", cut))))


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_names_and_texts_are_never_markup(format: Drawn) -> None:
    reading = read("$x^2$ <b>bold</b>", labels=("$\\frac{1}{2}$", "a\x00b\ud800"))
    reading = replace(reading, checkpoint="</svg>\x00&\udfff")
    shown = figure_spec("head", reading)
    assert texts(figure(shown))[0].startswith(f"a{REPLACEMENT}b{REPLACEMENT}")
    assert render(shown, format)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(kind: str, format: Drawn) -> None:
    shown = figure_spec(kind, read("Oil 周二 שלום العربية 👍🏽"))
    assert render(shown, format) == render(shown, format)


def test_an_svg_is_a_small_document_with_title_and_description() -> None:
    shown = figure_spec("layer", read("word and " * 60, shape=(2, 12)))
    data = render(shown, "svg")
    root = ElementTree.fromstring(data)
    name = "{http://www.w3.org/2000/svg}"
    title = root.find(f"{name}title")
    assert title is not None
    assert title.text == "Sci/Tech 64.4%: layer"
    assert citation(shown).sentence() in data.decode()
    assert not root.findall(f".//{name}text")
    assert b"<dc:date" not in data
    assert len(data) < 3_000_000


def test_a_pdf_embeds_its_fonts_and_has_no_date() -> None:
    data = render(figure_spec("head", read("Oil العربية")), "pdf")
    assert b"/FontFile2" in data
    assert b"/CIDFontType2" in data
    assert b"/Type3" not in data
    assert b"CLSight" in data
    assert b"Date" not in data


def test_a_png_carries_its_resolution_and_citation() -> None:
    image = Image.open(BytesIO(render(figure_spec("head"), "png", RenderOptions(300))))
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert image.info["Description"] == citation(figure_spec("head")).sentence()


@pytest.mark.parametrize("count", [1, 5, 40, 128, 512, 5000])
def test_labels_of_a_map_never_touch(count: int) -> None:
    over = fit_grid(count, count, usual=480, largest=1000)
    assert over.width <= 1000 + DOT
    assert over.step * over.pitch >= over.label_size


def test_the_summary_of_a_decomposition_adds_up() -> None:
    reading = read()
    attribution = attribution_of(reading)
    line = summary(reading, attribution)
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"[+−]\d+\.\d+", line)]
    assert sum(numbers[:3]) == pytest.approx(numbers[3], abs=0.02)
    assert numbers[3] == pytest.approx(attribution.value, abs=0.01)
    assert line.endswith("= logit Sci/Tech − logit Business")


def test_a_text_without_special_tokens_is_summed_up_without_them() -> None:
    reading = read()
    words = tuple(replace(t, special=False, part=0, word=99) for t in reading.encoding.tokens)
    bare = replace(reading, encoding=replace(reading.encoding, tokens=words))
    line = summary(bare, attribution_of(bare))
    assert re.match(r"words [+−]\d+\.\d+ · bias [+−]\d+\.\d+ · sum ", line)


def test_a_method_without_bias_claims_no_sum() -> None:
    reading = read()
    line = summary(reading, attribution_of(reading, "occlusion"))
    assert "sum" not in line
    assert "need not add up" in line


def test_relative_scores_are_said_to_be_percentages() -> None:
    reading = read()
    attribution = replace(
        attribution_of(reading, "decomposition-path"), notes=("No shares add up to that.",)
    )
    line = summary(reading, attribution)
    assert "percentages of the strongest word's score" in line
    assert "percent" not in summary(reading, attribution_of(reading))
    drawn = texts(figure(figure_spec("attribution", method="decomposition-path")))
    assert {"100%", "−100%"} & {text.split()[0] for text in drawn if text}
    spec = replace(figure_spec("attribution", reading), attribution=attribution)
    assert any("No shares add up to that." in text for text in texts(figure(spec)))
    assert b"No shares add up to that." in render(spec, "html")
    listed = "\n".join(report(reading, attribution))
    assert listed.endswith("\nNo shares add up to that.")
    assert re.search(r"[+−]100%  \w", listed)


def test_an_unsigned_method_is_captioned_as_where_it_looks() -> None:
    lines = texts(figure(figure_spec("attribution", method="rollout")))
    assert any("not an explanation" in line for line in lines)
    assert not any("logit" in line or "+" in line for line in lines)


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_pictures_drawn_in_threads_equal_those_drawn_alone(format: Drawn) -> None:
    specs = [figure_spec("head", read(f"number {n} has {'a' * n} $ 周二 👍🏽 ")) for n in range(4)]
    alone = [render(shown, format) for shown in specs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda shown: render(shown, format), specs))
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
    reading = replace(read(shape=(4, 8)), checkpoint=checkpoint)
    assert export.file_name(figure_spec("head", reading, layer=3, head=7), "png") == expected


def test_file_names_tell_figures_apart() -> None:
    pair = read(TEXT, "More")
    specs = [
        *(figure_spec(kind, pair) for kind in FIGURE_KINDS),
        *(figure_spec("head", pair, quadrant=quadrant) for quadrant in QUADRANTS[1:]),
        figure_spec("head", pair, layer=None),
        figure_spec("head", pair, head=None),
        figure_spec("head", pair, head=1),
        figure_spec("head", pair, unit="wordpiece"),
        figure_spec("head", pair, special=False),
        figure_spec("head", pair, contribution=True),
        figure_spec("attribution", pair, method="rollout"),
    ]
    names = {export.file_name(shown, "svg") for shown in specs}
    assert len(names) == len(specs)
    assert "tiny-bert-head-L1-H0-contribution.svg" in names
    assert "tiny-bert-attribution-rollout.svg" in names


def test_file_names_tell_methods_and_their_options_apart() -> None:
    ways: list[tuple[str, dict[str, str | int]]] = [
        ("decomposition", {}),
        ("decomposition+", {"rows": 100, "seed": 0}),
        ("decomposition+", {"rows": 40, "seed": 0}),
        ("decomposition+", {"rows": 40, "seed": 7}),
        ("occlusion", {"operator": "mask"}),
        ("occlusion", {"operator": "delete"}),
    ]
    specs = []
    for method, options in ways:
        shown = figure_spec("attribution", method=method)
        assert shown.attribution is not None
        specs.append(replace(shown, attribution=replace(shown.attribution, options=options)))
    names = [export.file_name(spec, "png").removeprefix("tiny-bert-attribution-") for spec in specs]
    assert names == [
        "decomposition.png",
        "decomposition-plus.png",
        "decomposition-plus-rows-40.png",
        "decomposition-plus-rows-40-seed-7.png",
        "occlusion.png",
        "occlusion-operator-delete.png",
    ]
    assert len({archive_name([spec]) for spec in specs}) == len(specs)


@pytest.mark.parametrize("kind", ["head", "attribution"])
def test_file_names_tell_pairs_of_classes_apart(kind: str) -> None:
    shown = figure_spec(kind, contribution=True)
    names = {
        export.file_name(_explaining(shown, target, against), "png")
        for target in range(4)
        for against in (None, *range(4))
        if against != target
    }
    assert len(names) == 4 * 4
    usual = export.file_name(shown, "png")
    assert usual in names  # of two classes that are the usual ones, neither is named
    assert "class-" not in usual
    assert "against-" not in usual


def test_the_names_of_zips_tell_ways_apart() -> None:
    last = read().attention.n_layers - 1
    usual, *others = (
        [figure_spec(kind, layer=layer, head=head) for kind in FIGURE_KINDS]
        for layer, head in ((last, None), (last, 2), (0, None), (0, 2))
    )
    against = [_explaining(figure_spec("attribution"), 3, 0), *usual]
    contributed = [
        figure_spec(kind, layer=last, head=None, contribution=True, special=False)
        for kind in FIGURE_KINDS
    ]
    assert archive_name(usual) == "tiny-bert-all-decomposition.zip"
    assert [archive_name(specs) for specs in others] == [
        "tiny-bert-all-H2-decomposition.zip",
        "tiny-bert-all-L0-decomposition.zip",
        "tiny-bert-all-L0-H2-decomposition.zip",
    ]
    assert (
        archive_name([figure_spec("arcs", layer=None, head=2)]) == "tiny-bert-all-all-layers-H2.zip"
    )
    assert archive_name(against) == "tiny-bert-all-decomposition-against-0.zip"
    assert archive_name(contributed) == "tiny-bert-all-contribution-no-special-decomposition.zip"


def test_the_names_of_zips_tell_windows_apart_however_long_they_are() -> None:
    off = tuple((layer, head) for layer in range(2) for head in range(3) if layer != head)
    names = []
    for index in (None, 0, 1, 11):
        window = DocumentPart(TEXT, WindowSettings(stride=25), index)
        reading = replace(read(), without=off, document=window)
        spec = figure_spec("head", reading, contribution=True, special=False, unit="wordpiece")
        names.append(archive_name([spec]))
    assert [name.rpartition("-")[2] for name in names] == [
        "windows.zip",
        "0.zip",
        "1.zip",
        "11.zip",
    ]


def test_the_plain_logit_is_the_usual_one_of_several_labels() -> None:
    reading = read()
    several = replace(reading, prediction=replace(reading.prediction, multi_label=True))
    shown = figure_spec("attribution", several)
    assert export.file_name(shown, "png").endswith("-decomposition-against-2.png")
    assert export.file_name(_explaining(shown, 3, None), "png").endswith("-decomposition.png")


def _explaining(shown: FigureSpec, target: int, against: int | None) -> FigureSpec:
    if shown.attribution is not None:
        scores = replace(shown.attribution, target_class=target, against_class=against)
        return replace(shown, attribution=scores)
    assert shown.contribution is not None
    shares = replace(shown.contribution, target_class=target, against_class=against)
    return replace(shown, contribution=shares)


def test_a_name_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = export.nope
