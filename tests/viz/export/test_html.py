"""A figure as a page of its own: whole, escaped, and forbidden to load anything."""

import json
import re
from html import escape
from typing import Any

import pytest

from viz import Classifier, Reading, attribute
from viz.attention.words import merge, spans
from viz.attribution.contribution import contribution
from viz.export import page_content
from viz.export.formats import render
from viz.figures.citation import citation
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec

STORY = re.compile(r'<script type="application/json" id="story">(.*?)</script>', re.DOTALL)


CELL = re.compile(r"<t[hd][^>]*>([^<]*)</t[hd]>")


@pytest.fixture(scope="module")
def specs(classifier: Classifier, reading: Reading) -> dict[str, FigureSpec]:
    """One figure of each kind."""
    found = attribute(classifier, reading)
    return {
        kind: FigureSpec(
            reading,
            kind,
            layer=1 if kind != "atlas" else None,
            head=2 if kind in ("head", "arcs") else None,
            attribution=found if kind == "attribution" else None,
        )
        for kind in FIGURE_KINDS
    }


def story(page: str) -> Any:
    """What the page tells its pictures."""
    (told,) = STORY.findall(page)
    return json.loads(told)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_every_kind_is_a_page_with_its_citation(specs: dict[str, FigureSpec], kind: str) -> None:
    page = render(specs[kind], "html").decode("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert escape(citation(specs[kind]).sentence()) in page
    assert specs[kind].reading.prediction.label in page
    assert story(page)["pictures"]


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_a_page_forbids_itself_to_load_anything(specs: dict[str, FigureSpec], kind: str) -> None:
    page = render(specs[kind], "html").decode("utf-8")
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href|url\()\s*=?\s*[\"']?(?:https?:)?//", page)


def test_the_table_has_scores_beside_shares_that_add_up(specs: dict[str, FigureSpec]) -> None:
    page = render(specs["attribution"], "html").decode("utf-8")
    head, *lines = (CELL.findall(line) for line in page.split("<tr>")[1:])
    assert head == ["token or word", "score of the method", "share of the word"]
    attribution = specs["attribution"].attribution
    assert attribution is not None
    units = len(lines) - 3
    scores, shares = (
        [float(line[column].replace("−", "-")) for line in lines[:units]] for column in (1, 2)
    )
    assert scores == pytest.approx(
        merge(attribution.scores, spans(specs["attribution"].reading.encoding)), abs=1e-6
    )
    (bias, hidden, value) = lines[units:]
    assert (bias[0], hidden[0]) == ("bias", "every word hidden")
    for parts, extra, column in ((scores, bias, 1), (shares, hidden, 2)):
        sums = sum(parts) + float(extra[column].replace("−", "-"))
        assert sums == pytest.approx(float(value[column].replace("−", "-")), abs=1e-4)


def test_markup_in_a_text_does_not_end_the_script(classifier: Classifier) -> None:
    reading = classifier.read("</script><script>alert('oil')</script> <b>market</b>")
    page = render(FigureSpec(reading, "head", layer=0, head=0), "html").decode("utf-8")
    assert "alert('oil')</script>" not in page
    assert "<b>market</b>" not in page
    assert page.count("<script") == 2


def test_every_head_of_a_short_text_opens_in_its_atlas(specs: dict[str, FigureSpec]) -> None:
    told = story(render(specs["atlas"], "html").decode("utf-8"))
    heads = [*range(4), "null"]
    layers = [*range(3), "null"]
    assert set(told["closeups"]) == {f"{layer}-{head}" for layer in layers for head in heads}
    assert told["closeups"]["2-null"]["title"] == "L2 · mean of heads"


def test_the_heads_of_a_layer_share_one_color_scale(specs: dict[str, FigureSpec]) -> None:
    page = render(specs["layer"], "html").decode("utf-8")
    shown = specs["layer"].view().weights
    largest = [picture["data"]["largest"] for picture in story(page)["pictures"]]
    assert largest == pytest.approx([float(shown.max())] * 4)
    assert "One color scale for all heads." in page


def test_an_atlas_of_too_many_weights_says_that_no_head_opens(
    specs: dict[str, FigureSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_content, "MAX_WEIGHTS", 100)
    page = render(specs["atlas"], "html").decode("utf-8")
    assert story(page)["closeups"] is None
    assert "weights are too many to carry along" in page


def test_a_contribution_is_a_page_of_signed_shares(
    classifier: Classifier, reading: Reading
) -> None:
    taken = contribution(classifier, reading, 2, 0)
    page = render(FigureSpec(reading, "head", layer=1, head=0, contribution=taken), "html").decode()
    assert "logit Business − logit World" in page
    assert story(page)["pictures"][0]["data"]["signed"]


@pytest.mark.parametrize("kind", ["head", "layer", "atlas"])
def test_a_quadrant_does_not_claim_that_its_rows_sum_to_one(
    classifier: Classifier, kind: str
) -> None:
    reading = classifier.read("oil prices rise", "the team wins")
    spec = FigureSpec(reading, kind, layer=None if kind == "atlas" else 1, quadrant="A-B")
    told = story(render(spec, "html").decode("utf-8"))
    held = spec.view().weights[0, 0].sum(-1).mean()
    closeup = told["pictures"][1 if kind == "atlas" else 0]["data"]
    assert closeup["note"] == f"text A looking at B: rows sum to {held:.2f} on average"
    assert held < 0.99
