"""Rows: texts with their classes or with a score, whatever shape the data set had."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetune.data.labels import LabelColumn, read_labels
from finetune.data.scores import read_scores
from finetune.data.tables.columns import find_columns
from finetune.data.tables.table import Columnar, written_texts
from finetune.run.column_names import ColumnNames

NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Texts and their classes by name, any number in a multi-label row; or texts and scores."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    """The classes that occur, in the order of their numbers or of the alphabet."""
    keys: tuple[str, ...]
    """What the label column writes for each of `names`: a number, or the name itself."""
    multi_label: bool
    scores: tuple[float, ...] | None = None
    """The number to predict of each text; None where texts have classes, else these are none."""
    blank: int = 0
    """Rows left out because a text is blank."""
    unlabeled: int = 0
    """Rows left out because they have no label or score."""
    indices: tuple[int, ...] = ()
    """Where each row stands in its source, counted from 0; none where several were joined."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.texts)

    def select(self, indices: Sequence[int]) -> "Rows":
        """The rows at *indices*, in that order."""
        return replace(
            self,
            texts=tuple(self.texts[i] for i in indices),
            pairs=None if self.pairs is None else tuple(self.pairs[i] for i in indices),
            labels=tuple(self.labels[i] for i in indices),
            scores=None if self.scores is None else tuple(self.scores[i] for i in indices),
            indices=tuple(self.indices[i] for i in indices) if self.indices else (),
        )

    @property
    def regression(self) -> bool:
        """Whether a number is to be predicted, not classes."""
        return self.scores is not None

    @property
    def numbered(self) -> bool:
        """Whether the classes have no names but their numbers."""
        return (
            bool(self.names) and self.names == self.keys and all(map(NUMBER.fullmatch, self.names))
        )

    @property
    def named(self) -> bool:
        """Whether there are classes, and they have names; without a class it is neither."""
        return bool(self.names) and not self.numbered

    def inputs(self) -> list[tuple[str, str | None]]:
        """What the model reads of each row."""
        pairs = self.pairs or (None,) * len(self)
        return list(zip(self.texts, pairs, strict=True))

    def answers(self) -> list[frozenset[str] | float]:
        """What each row says of its text: its classes, or its score."""
        return list(self.scores or map(frozenset, self.labels))

    def counts(self, labels: Iterable[str]) -> dict[str, int]:
        """How many rows each of *labels* has."""
        found = Counter(name for row in self.labels for name in row)
        return {label: found[label] for label in labels}

    def left_out(self, role: str) -> list[str]:
        """What was left out of the split of this *role*, a sentence for each reason."""
        counts = {"a blank text": self.blank, "no label": self.unlabeled}
        return [
            f"Left out of {role}: {count:,} with {reason}."
            for reason, count in counts.items()
            if count
        ]

    def fingerprint(self) -> str:
        """SHA-256 over all rows in their order, the same for every file format."""
        digest = hashlib.sha256()
        for (text, pair), answer in zip(self.inputs(), self.answers(), strict=True):
            plain = answer if isinstance(answer, float) else sorted(answer)
            digest.update(json.dumps([text, pair, plain]).encode() + b"\n")
        return digest.hexdigest()


def read_rows(
    dataset: Columnar, where: str, named: ColumnNames, *, regression: bool = False
) -> Rows:
    """The rows of *dataset*; those with a blank text or no label are left out and counted.

    With *regression* the label is a score.
    """
    columns = find_columns(dataset, where, named)
    texts = _texts(dataset, columns.text)
    pairs = _texts(dataset, columns.pair) if columns.pair else None
    full = [bool(text and pair) for text, pair in zip(texts, pairs or texts, strict=True)]
    if regression:
        found = read_scores(dataset, columns)
        kept = [i for i, score in enumerate(found) if full[i] and score is not None]
        answers = _scores(found, kept)
    else:
        labels = read_labels(dataset, columns)
        kept = [i for i, row in enumerate(labels.rows) if full[i] and row is not None]
        answers = _classes(labels, kept)
    return Rows(
        texts=tuple(texts[i] for i in kept),
        pairs=None if pairs is None else tuple(pairs[i] for i in kept),
        blank=full.count(False),
        unlabeled=full.count(True) - len(kept),
        indices=tuple(kept),
        **answers,
    )


def _classes(labels: LabelColumn, kept: Sequence[int]) -> dict[str, Any]:
    """The fields of Rows that say which classes the rows *kept* have."""
    rows = [labels.rows[i] or () for i in kept]
    used = {key for row in rows for key in row}
    names = {key: name for key, name in labels.names.items() if key in used}
    return {
        "labels": tuple(tuple(names[key] for key in row) for row in rows),
        "names": tuple(names.values()),
        "keys": tuple(str(key) for key in names),
        "multi_label": labels.multi_label,
    }


def _scores(found: Sequence[float | None], kept: Sequence[int]) -> dict[str, Any]:
    """The same fields for rows with scores."""
    scores = tuple(found[i] for i in kept)
    none: dict[str, Any] = {"names": (), "keys": (), "multi_label": False}
    return none | {"labels": ((),) * len(kept), "scores": scores}


def _texts(dataset: Columnar, column: str) -> list[str]:
    """The column as stripped text; numbers are written out, missing values become empty."""
    return [text.strip() for text in written_texts(dataset, column)]
