"""The whole way: a file of texts, a training, a checkpoint, a reading, the app, a picture."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import BertConfig, BertModel, pipeline
from typer.testing import CliRunner

from finetune.__main__ import app as finetune_app
from tests.finetune.news import scored_reviews, write_csv
from tests.page_content import page_text
from tests.tiny_models import tiny_checkpoint, tokenizer
from viz import Classifier, attribute
from viz.__main__ import app as viz_app

ROOT = Path(__file__).resolve().parents[1]
TOPICS = {
    "Business": ["oil", "prices", "stocks", "market"],
    "Sports": ["team", "wins", "game"],
    "Science": ["space", "probe", "ice", "moon"],
}
FILLER = ("the", "was", "not", "on", "very", "as", "good", "bad")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT, fine-tuned from the command line on texts whose class shows in one word."""
    folder = tmp_path_factory.mktemp("training")
    base = folder / "base"
    words = tokenizer("bert")
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(base)
    words.save_pretrained(base)
    data = folder / "texts.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows(400)), "utf-8")
    arguments = f"train --data {data} --model {base} --output {folder / 'topics'}"
    options = "--epochs 12 --batch-size 16 --learning-rate 1e-3 --seed 1"
    result = CliRunner().invoke(finetune_app, [*arguments.split(), *options.split()])
    assert result.exit_code == 0, result.output
    return folder / "topics"


def rows(count: int) -> list[dict[str, str]]:
    """Texts of filler words, no two alike, with one word of a topic."""
    pick = random.Random(0)
    made: dict[str, str] = {}
    while len(made) < count:
        label = pick.choice(list(TOPICS))
        words = [pick.choice(FILLER) for _ in range(5)]
        words.insert(pick.randrange(6), pick.choice(TOPICS[label]))
        made[" ".join(words)] = label
    return [{"text": text, "label": label} for text, label in made.items()]


def test_what_was_trained_is_read_right(trained: Path) -> None:
    classifier = Classifier.load(trained)
    assert classifier.labels == ("Business", "Science", "Sports")
    right = [classifier.read(row["text"]).prediction.label == row["label"] for row in rows(60)]
    assert np.mean(right) > 0.9


def test_the_pipeline_of_transformers_gives_the_same_labels(trained: Path) -> None:
    classify = pipeline("text-classification", str(trained))
    classifier = Classifier.load(trained)
    texts = [row["text"] for row in rows(20)]
    assert [found["label"] for found in classify(texts)] == [
        classifier.read(text).prediction.label for text in texts
    ]


def test_the_word_that_decides_is_the_strongest(trained: Path) -> None:
    """The class depends on one word by construction, so the decomposition must find it."""
    classifier = Classifier.load(trained)
    found = []
    for row in rows(30):
        reading = classifier.read(row["text"])
        scores = attribute(classifier, reading).scores
        written = [
            index for index, token in enumerate(reading.encoding.tokens) if not token.special
        ]
        strongest = max(written, key=lambda index: abs(scores[index]))
        found.append(reading.encoding.tokens[strongest].text in TOPICS[row["label"]])
    assert np.mean(found) > 0.9


def test_the_app_opens_on_what_was_trained(trained: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(trained), "text": "the team wins"})
    app.run()
    assert not app.exception
    assert not app.error
    assert "'name': 'Sports'" in page_text(app)
    assert "logit Sports" in page_text(app)


def test_a_picture_of_it_is_saved_from_the_command_line(trained: Path, tmp_path: Path) -> None:
    arguments = f"--checkpoint {trained} --output {tmp_path} --layer 1 --head 2"
    result = CliRunner().invoke(viz_app, ["export", "the team wins", *arguments.split()])
    assert result.exit_code == 0, result.output
    (picture,) = tmp_path.glob("*.png")
    assert picture.stat().st_size > 5_000


def test_a_score_is_learned_read_and_explained_by_the_words_that_make_it(tmp_path: Path) -> None:
    """Each "good" is worth a star and each "bad" costs one, by construction."""
    base = tiny_checkpoint(tmp_path / "base")
    data = write_csv(tmp_path / "stars.csv", scored_reviews(300))
    arguments = f"train --data {data} --model {base} --output {tmp_path / 'stars'} --no-baseline"
    options = "--epochs 8 --batch-size 16 --learning-rate 3e-3 --seed 1"
    result = CliRunner().invoke(finetune_app, [*arguments.split(), *options.split()])
    assert result.exit_code == 0, result.output
    classifier = Classifier.load(tmp_path / "stars", device="cpu")
    reading = classifier.read("good movie bad script")
    assert reading.prediction.logits[0] == pytest.approx(3, abs=0.5)
    scores = dict(
        zip(
            (token.text for token in reading.encoding.tokens),
            attribute(classifier, reading).scores,
            strict=True,
        )
    )
    assert scores["bad"] < min(scores["movie"], scores["script"])
    assert scores["good"] > max(scores["movie"], scores["script"])
