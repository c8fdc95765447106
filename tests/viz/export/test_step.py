"""One equation as a file: what stands in it, in every format and for any text."""

import json
import re
from dataclasses import replace
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.steps import softmax, term
from viz import Classifier, Reading, unfold
from viz.errors import SelectionError
from viz.export.step.file import STEP_FORMATS, StepText, export_step, step_file_name
from viz.figures.canvas import rasters, text_lines
from viz.figures.render_options import RenderOptions
from viz.figures.step import step_figure
from viz.mechanism.unfolding.latex import equation_latex, number_sides
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.types import Encoding
from viz.widgets.terms import payload as terms

HOSTILE = ("$", "\\", "{", "😀", "石油", "a&b<c>", '"%#_^~', "\u202eabc")


@pytest.fixture(scope="module")
def unfolding(classifier: Classifier, reading: Reading) -> Unfolding:
    return unfold(classifier, reading, 1, 2, 5, 3)


@pytest.fixture(scope="module")
def hostile(unfolding: Unfolding) -> Unfolding:
    """The same numbers, of a text that no format expects."""
    encoding = unfolding.reading.encoding
    tokens = [
        replace(token, text=HOSTILE[index % len(HOSTILE)], start=0, end=0, word=None, special=True)
        for index, token in enumerate(encoding.tokens)
    ]
    other = Encoding("$ \\ {", None, tuple(tokens), encoding.inputs)
    return replace(unfolding, reading=replace(unfolding.reading, encoding=other))


def drawn(unfolding: Unfolding, step: Step) -> Any:
    about = StepText.of(unfolding, step)
    return step_figure(
        unfolding,
        step,
        title=about.title,
        place=about.place,
        caption=about.caption,
        options=RenderOptions(),
    )


@pytest.mark.parametrize("name", ["query", "score"])
def test_every_format_cites_checkpoint_and_difference(unfolding: Unfolding, name: str) -> None:
    step = unfolding.step(name)
    caption = StepText.of(unfolding, step).caption
    assert unfolding.reading.fingerprint[:12] in caption
    assert f"with weight {unfolding.weight:.6g}" in caption
    assert re.search(r"largest difference of \d\.\de-\d\d|recomputed exactly", caption)
    image = Image.open(BytesIO(export_step(unfolding, step, "png")))
    assert image.info["Description"] == caption
    svg = ElementTree.fromstring(export_step(unfolding, step, "svg"))
    assert caption in "".join(svg.itertext())
    assert caption in export_step(unfolding, step, "html").decode()
    assert caption.split(" · ")[0] in export_step(unfolding, step, "tex").decode()


def test_the_class_has_its_name(unfolding: Unfolding) -> None:
    texts = [line.text for line in text_lines(drawn(unfolding, unfolding.step("class")))]
    prediction = unfolding.reading.prediction
    assert f"{prediction.predicted_class}  {prediction.label}" in texts


def test_a_pdf_is_one_page(unfolding: Unfolding) -> None:
    content = export_step(unfolding, unfolding.step("score"), "pdf")
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == 1


@pytest.mark.parametrize("format", STEP_FORMATS)
def test_any_text_can_be_exported(hostile: Unfolding, format: str) -> None:
    for name in ("weights", "head output"):
        content = export_step(hostile, hostile.step(name), format)
        assert content
        if format == "svg":
            ElementTree.fromstring(content)
        if format == "html":
            assert b"<c>" not in content


def test_a_latex_document_is_whole_whatever_the_text(hostile: Unfolding) -> None:
    step = hostile.step("weights")
    document = export_step(hostile, step, "tex").decode("ascii")
    assert document.startswith(r"\documentclass")
    begun = re.findall(r"\\begin\{([a-z*]+)\}", document)
    assert begun == ["document", "align*", "tabular"]
    assert re.findall(r"\\end\{([a-z*]+)\}", document) == begun[:0:-1][::-1] + begun[:1]
    plain = re.sub(r"\\[\\$%#&_{}]", "", document)
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    for side in number_sides(step):
        assert side in document
    assert equation_latex(step).split(" = ", 1)[1] in document


def test_a_picture_has_a_map_of_every_vector_and_matrix(unfolding: Unfolding) -> None:
    step = unfolding.step("query")
    figure = drawn(unfolding, step)
    maps = [raster.values for raster in rasters(figure)][::2]  # every other one is a color scale
    shown = [each for each in (*step.operands, step.result) if each.values.ndim]
    assert len(maps) == len(shown)
    for values, each in zip(maps, shown, strict=True):
        np.testing.assert_array_equal(values.ravel(), each.values.ravel())
    texts = [line.text for line in text_lines(figure)]
    assert "Query" in texts


def test_the_row_of_a_softmax_names_its_tokens_and_hatches_what_is_masked(
    unfolding: Unfolding,
) -> None:
    encoding = unfolding.reading.encoding
    scores = np.linspace(-1, 1, encoding.n_tokens)
    scores[-1] = -3.4e38
    made = softmax(scores)
    row = replace(made.operands[0], axes=("token",))
    step = replace(made, result=replace(made.result, axes=("token",)), operands=(row,))
    figure = drawn(unfolding, step)
    masked, _, weights, _ = rasters(figure)
    assert masked.impossible is not None
    assert masked.impossible.ravel().tolist() == [False] * (len(scores) - 1) + [True]
    assert masked.color_scale.high == 1
    assert weights.impossible is None
    texts = [line.text for line in text_lines(figure)]
    assert texts.count("[CLS]") == 2


def story(page: bytes) -> Any:
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', page.decode())
    assert found is not None
    return json.loads(found[1])["pictures"][0]["data"]


def test_a_page_holds_every_number_and_loads_nothing(unfolding: Unfolding) -> None:
    step = unfolding.step("query")
    page = export_step(unfolding, step, "html")
    assert b"default-src 'none'" in page
    assert not re.search(rb"(src|href)=|url\(", page)
    data = story(page)
    shown = (*step.operands, step.result)
    sizes = [each.values.size for each in shown]
    assert [entry["offset"] for entry in data["terms"]] == [*np.cumsum([0, *sizes[:-1]])]
    assert [entry["shape"] for entry in data["terms"]] == [list(each.shape) for each in shown]
    assert [formula["latex"] for formula in data["formulas"]] == [
        equation_latex(step),
        *(f"= {side}" for side in number_sides(step)),
    ]


@pytest.mark.parametrize(
    ("shape", "block"), [((12,), (1, 1)), ((1, 90), (1, 3)), ((40, 5), (3, 3)), ((90, 1), (3, 1))]
)
def test_a_large_matrix_is_shown_by_blocks(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], block: tuple[int, int]
) -> None:
    monkeypatch.setattr(terms, "MAX_VALUES", 32)
    values, sides = terms._picture(term("W", np.arange(np.prod(shape)).reshape(shape)))
    assert sides == block
    assert values.size <= 32
    assert values.max() == np.prod(shape) - 1


def test_what_has_no_equation_says_so(unfolding: Unfolding) -> None:
    step = Step(term("z", 1.0), "opaque", (term("a", 2.0),))
    assert "not recomputed" in StepText.of(unfolding, step).caption
    assert export_step(unfolding, step, "tex")


def test_an_unknown_format_is_refused_in_a_sentence(unfolding: Unfolding) -> None:
    with pytest.raises(SelectionError, match="formats are png, svg, pdf, html, tex"):
        export_step(unfolding, unfolding.step("score"), "gif")


def test_a_file_name_says_which_look_and_which_step(unfolding: Unfolding) -> None:
    name = step_file_name(unfolding, unfolding.step("feed-forward output", 0), "svg")
    assert name == "tiny-bert-L1-H2-q5-k3-feed-forward-output-of-L0.svg"
    assert step_file_name(unfolding, unfolding.step("logits"), "tex").endswith("-k3-logits.tex")
