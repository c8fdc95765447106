"""Where the class is read from, in records: saved in short, read back, and said in captions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.synthetic import TEXT, figure_spec, read, read_causal
from tests.tiny_models import tiny_checkpoint
from tests.viz.export.test_impossible import record_of, replayed
from viz import Classifier
from viz.export.formats import render
from viz.export.json_reader import parse
from viz.export.replay import replay
from viz.export.report import record, report
from viz.export.request import FigureRequest
from viz.types import Reading

FIRST, LAST, MEAN = read(), read_causal(), read(reads="mean")


def attention_record(reading: Reading) -> dict[str, Any]:
    return record_of(figure_spec("attribution", reading, method="attention"))


def test_the_first_token_is_not_worth_a_word() -> None:
    """A record of BERT is the same to the byte as before others could be opened."""
    assert "pooling" not in attention_record(FIRST)
    assert "pooling" not in record(FIRST, None)


@pytest.mark.parametrize("reading", [LAST, MEAN], ids=["last", "mean"])
def test_where_the_class_is_read_from_is_saved_and_replays(reading: Reading) -> None:
    values = record_of(figure_spec("head", reading))
    assert reading.pooling is not None
    saved = values["pooling"]
    if reading is LAST:
        assert saved == reading.encoding.n_tokens - 1
    else:
        np.testing.assert_array_equal(saved, reading.pooling)
    assert record(reading, None)["pooling"] == saved
    assert all(replayed(values, reading).values())
    assert replayed(values, reading)["pooling"]


@pytest.mark.parametrize(
    ("saved", "reading"),
    [
        (FIRST, LAST),
        (LAST, FIRST),
        (LAST, MEAN),
        (MEAN, LAST),
        (MEAN, read(reads="mean", text="Oil prices rise as stocks fall, the market was bad.")),
    ],
)
def test_another_place_differs(saved: Reading, reading: Reading) -> None:
    assert not replayed(record_of(figure_spec("head", saved)), reading)["pooling"]


def test_shares_that_were_changed_differ() -> None:
    values = record_of(figure_spec("head", MEAN))
    values["pooling"][3] += 1e-5
    assert not replayed(values, MEAN)["pooling"]


@pytest.mark.parametrize(
    ("reading", "label"),
    [
        (FIRST, "Attention of [CLS]"),
        (LAST, "Attention of the last token"),
        (MEAN, "Attention of the mean of all tokens"),
    ],
)
def test_captions_say_whose_attention_it_is(reading: Reading, label: str) -> None:
    spec = figure_spec("attribution", reading, method="attention")
    cited = record_of(spec)["citation"]
    assert cited["shows"] == label
    assert cited["sentence"].startswith(f"{label} · words · ")
    assert spec.attribution is not None
    by = label.replace("Attention", "attention")
    assert f"\nStrongest words by {by}" in list(report(reading, spec.attribution))


def test_a_page_says_where_the_deciding_token_looks() -> None:
    for reading, name in ((FIRST, "[CLS]"), (LAST, "the last token")):
        spec = figure_spec("attribution", reading, method="attention")
        assert f"Where {name} looks in the last layer" in render(spec, "html").decode()


def test_a_record_that_called_every_first_token_cls_replays(tmp_path: Path) -> None:
    """CLSight 0.2 said [CLS] of RoBERTa's <s> too."""
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "roberta", family="roberta"))
    (spec,) = FigureRequest(kinds=("attribution",), method="attention").specs(
        classifier, classifier.read(TEXT)
    )
    values = record_of(spec)
    cited = values["citation"]
    assert cited["shows"] == "Attention of <s>"

    def differing() -> list[str]:
        saved = parse("saved.json", json.dumps(values).encode())
        return [part.name for part in replay(saved, classifier) if not part.agrees]

    assert differing() == []
    for name in ("shows", "sentence"):
        cited[name] = cited[name].replace("of <s>", "of [CLS]")
    assert differing() == []
    cited["sentence"] = cited["sentence"].replace("of [CLS]", "of <s>")
    assert differing() == ["citation"]
