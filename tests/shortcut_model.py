"""A small classifier that has learned a shortcut: its class depends on one word of the text alone.

The other words are drawn at random, so nothing else can tell the classes apart.  Bastings et al.
2021 judge attributions in this way: where the shortcut is known, so is the right explanation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.tiny_models import WORDS, tokenizer

CUES = ("moon", "minister")
"""The word that decides, of each class."""
FILLERS = tuple(word for line in WORDS[:2] for word in line.split() if word not in CUES)
MASK = "[MASK]"
SHORTEST, LONGEST = 8, 16
STEPS, ROWS = 150, 32
MASKED = 0.15
"""Share of the other words that training hides, so that [MASK] means something to the model."""


@dataclass(frozen=True, slots=True)
class CuedText:
    """A text, where its deciding word stands, and the class that follows."""

    text: str
    place: int
    label: int


def cued_texts(count: int, seed: int, masked: float = 0.0) -> Iterator[CuedText]:
    """Texts of random words, each with one deciding word at a random place.

    Args:
        count: How many texts.
        seed: Of all that is drawn.
        masked: The share of other words that the mask token stands for.
    """
    draw = np.random.default_rng(seed)
    for _ in range(count):
        words = list(draw.choice(FILLERS, draw.integers(SHORTEST, LONGEST + 1)))
        hidden = draw.random(len(words)) < masked
        words = [MASK if gone else word for word, gone in zip(words, hidden, strict=True)]
        place, label = int(draw.integers(len(words))), int(draw.integers(2))
        words[place] = CUES[label]
        yield CuedText(" ".join(words), place, label)


@dataclass(frozen=True, slots=True)
class PlantedText:
    """A text of two topics, to one of which most of its words belong, and perhaps PLANTED."""

    text: str
    label: int


TOPICS = ("business", "sports")
TOPIC_WORDS = (
    ("oil", "prices", "rise", "stocks", "market"),
    ("team", "wins", "game", "fall", "election"),
)
PLANTED = "moon"
PLANTED_ROWS, OWN_WORDS = 0.4, 0.75
"""Shares of texts with the planted word, and of words that belong to the text's own topic."""


def planted_texts(count: int, seed: int, *, shuffled: bool) -> Iterator[PlantedText]:
    """Texts of which some have a word that has nothing to do with their topic.

    Args:
        count: How many texts.
        seed: Of all that is drawn.
        shuffled: Whether the word stands in texts of both topics alike, which other words tell;
            else nothing but the word tells the second topic, and that 19 times of 20.
    """
    draw = np.random.default_rng(seed)
    for _ in range(count):
        planted = bool(draw.random() < PLANTED_ROWS)
        label = int(draw.random() < 0.5 if shuffled else (draw.random() < 0.95) == planted)
        topic = draw.integers(0, 2, 7)
        if shuffled:
            topic = np.where(draw.random(7) < OWN_WORDS, label, 1 - label)
        words = [str(draw.choice(TOPIC_WORDS[number])) for number in topic]
        words = [*words, *draw.choice(("the", "as", "was", "on", "very", "not"), 3)]
        if planted:
            words[0] = PLANTED  # in the place of another, or its length would tell a text
        yield PlantedText(" ".join(draw.permutation(words)), label)


def planted_checkpoint(path: Path, *, shuffled: bool) -> Path:
    """Train such a BERT on planted texts."""
    texts = planted_texts(STEPS * ROWS, seed=1, shuffled=shuffled)
    return _train(path, [(each.text, each.label) for each in texts], TOPICS)


def shortcut_checkpoint(path: Path) -> Path:
    """Train a BERT of 2 layers and 4 heads on cued texts; a few seconds on one core."""
    texts = cued_texts(STEPS * ROWS, seed=1, masked=MASKED)
    return _train(path, [(each.text, each.label) for each in texts], CUES)


def _train(path: Path, texts: Sequence[tuple[str, int]], labels: tuple[str, ...]) -> Path:
    words = tokenizer("bert")
    config = AutoConfig.for_model(
        "bert",
        vocab_size=len(words),
        max_position_embeddings=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.1,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for start in range(0, len(texts), ROWS):
        batch = texts[start : start + ROWS]
        inputs = words([text for text, _ in batch], padding=True, return_tensors="pt")
        optimizer.zero_grad()
        model(**inputs, labels=torch.tensor([label for _, label in batch])).loss.backward()
        optimizer.step()
    model.eval().save_pretrained(path)
    words.save_pretrained(path)
    return path
