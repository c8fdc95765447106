"""News in a few words, written for the tests: what a tiny classifier can learn in seconds."""

import csv
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from finetune.data.rows import Rows, read_rows
from finetune.data.tables.table import Columnar
from finetune.run.column_names import ColumnNames
from finetune.run.measurements import AnyMetrics, Metrics

WORDS = {
    "Business": ("oil", "prices", "rise", "stocks", "market", "fall"),
    "Sports": ("team", "wins", "game", "good", "script", "very"),
    "World": ("election", "peace", "talks", "minister", "alert", "bad"),
}
LABELS = tuple(WORDS)


def news(rows: int, *, seed: int = 0) -> list[dict[str, str]]:
    """Rows of text and label, the classes in turn, no text twice."""
    chance = random.Random(seed)
    made: dict[str, str] = {}
    while len(made) < rows:
        label = LABELS[len(made) % len(LABELS)]
        made.setdefault(" ".join(chance.choices(WORDS[label], k=chance.randint(3, 7))), label)
    return [{"text": text, "label": label} for text, label in made.items()]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], *, delimiter: str = ",") -> Path:
    """Write *rows* under a header and return the path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write *rows* one JSON object a line and return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(columns: Columnar | dict[str, list[Any]]) -> Rows:
    """The rows of a data set or table, or of a data set made of *columns*."""
    data = Dataset.from_dict(columns) if isinstance(columns, dict) else columns
    return read_rows(data, "rows", ColumnNames())


def of_classes(metrics: AnyMetrics | None) -> Metrics:
    """The metrics of a run that has classes."""
    assert isinstance(metrics, Metrics)
    return metrics


def scored_reviews(rows: int, *, mean: float = 3.0, unit: float = 1.0) -> list[dict[str, str]]:
    """Rows of text and score: *unit* more for each "good" in it, as much less for each "bad"."""
    chance = random.Random(0)
    made: dict[str, str] = {}
    while len(made) < rows:
        words = chance.choices(("good", "bad", "movie", "script", "game"), k=chance.randint(3, 7))
        score = mean + unit * (words.count("good") - words.count("bad")) + chance.gauss(0, unit / 8)
        made.setdefault(" ".join(words), f"{score:.3f}")
    return [{"text": text, "label": score} for text, score in made.items()]
