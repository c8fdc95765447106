"""Scores of a long text in files: by sentence and paragraph, as a strip, and by passage."""

import csv
import io
import json
import re

import numpy as np
import pytest

from tests.tiny_models import tiny_checkpoint
from viz import Classifier, attribute, attribute_document, read_document
from viz.attention.sentences import Division
from viz.attention.words import merge
from viz.export.formats import render
from viz.figures.attribution import attribution_figure
from viz.figures.canvas import text_lines
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec

TEXT = "\n\n".join(["Oil prices rise, as stocks fall. Is the team good? Yes!"] * 40)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(tiny_checkpoint(tmp_path_factory.mktemp("long") / "bert"))


@pytest.fixture(scope="module")
def spec(classifier: Classifier) -> FigureSpec:
    document = read_document(classifier, TEXT)
    attribution = attribute_document(classifier, document, "decomposition")
    return FigureSpec(document.pooled_reading, "attribution", attribution=attribution)


def rows_of(spec: FigureSpec) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(spec, "csv").decode("utf-8-sig"))))


def test_a_table_names_sentence_and_paragraph_of_each_word(spec: FigureSpec) -> None:
    words = [row for row in rows_of(spec) if row["kind"] == "word"]
    divided = Division.of(spec.reading.encoding)
    assert spec.attribution is not None
    sums = np.zeros(divided.n_sentences)
    for row in words:
        if row["special"] == "False":
            assert int(row["paragraph"]) == int(row["sentence"]) // 3
            sums[int(row["sentence"])] += float(row["score"])
    np.testing.assert_allclose(sums, merge(spec.attribution.scores, divided.sentences), atol=1e-5)
    assert [row["sentence"] for row in words if row["special"] == "True"] == ["", ""]


def test_a_page_shows_the_strip_above_the_words(spec: FigureSpec) -> None:
    page = render(spec, "html").decode()
    story = re.search(r'id="story">(.*?)</script>', page, re.DOTALL)
    assert story is not None
    pictures = json.loads(story[1])["pictures"]
    assert [picture["widget"] for picture in pictures] == ["strip", "colored-text"]
    assert len(pictures[0]["data"]["sentences"]) == 120
    assert pictures[0]["data"]["note"] == "120 sentences · 40 paragraphs"


def test_a_picture_shows_all_sentences_and_the_words_of_one_passage(spec: FigureSpec) -> None:
    figure = attribution_figure(spec, RenderOptions())
    lines = [line.text for line in text_lines(figure)]
    assert any(
        re.fullmatch(r"passage \d of 2, with the strongest sentence", line) for line in lines
    )
    words = len(Division.of(spec.reading.encoding).words)
    assert len(lines) < words, "other passages are not set"


def test_a_short_text_has_no_sentences(classifier: Classifier) -> None:
    reading = classifier.read("Oil prices rise. Stocks fall.")
    attribution = attribute(classifier, reading, "decomposition")
    short = FigureSpec(reading, "attribution", attribution=attribution)
    assert "sentence" not in rows_of(short)[0]
    assert "sentences · " not in render(short, "html").decode()
