"""Rows from several places with one set of classes: matched by name or number, aligned, joined."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from finetune.data.rows import Rows
from finetune.data.tables.messages import listed, shown
from finetune.errors import DataError

NUMBER = re.compile(r"-?\d+(\.\d+)?")
PART = re.compile(r"\d+")

MAX_LISTED = 4
"""Numbers of which it is said what they are read as; the others are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassMatch:
    """The label of a model, or of train, that each class of some rows is."""

    labels: Mapping[str, str | None]
    """By the name in the rows; None for a class that is unknown."""
    numbers: Mapping[str, str]
    """The label of each number that could be there; empty where classes were matched by name."""
    by: str
    """What the numbers were taken for."""

    @property
    def unknown(self) -> list[str]:
        """The classes that are none of the labels."""
        return [name for name, label in self.labels.items() if label is None]

    @property
    def may_count_from_one(self) -> bool:
        """Whether no number is 0, from which they are counted."""
        return "0" in self.numbers and bool(self.labels) and "0" not in self.labels

    @property
    def counts_from_one(self) -> bool:
        """Whether, moreover, the numbers go one too far."""
        return self.may_count_from_one and self.unknown == [str(len(self.numbers))]

    def sentence(self, where: str) -> str:
        """What the numbers of *where* are read as; empty where classes have names."""
        if not self.numbers or not self.labels or self.unknown:
            return ""
        read = [f"{number} = {label}" for number, label in self.labels.items()]
        more = f" and {len(read) - MAX_LISTED:,} more" if len(read) > MAX_LISTED else ""
        doubt = (
            "; no row has 0, so if they are counted from 1, every class is one off: subtract 1 from"
            " each or write the names"
        )
        return (
            f"The labels of {where} are numbers, read as {self.by}:"
            f" {', '.join(read[:MAX_LISTED])}{more}{doubt if self.may_count_from_one else ''}."
        )


def match_classes(
    rows: Rows, labels: Sequence[str], keys: Sequence[str] | None = None
) -> ClassMatch:
    """The label of each class of *rows*: by its name in any case, or else by its number in *keys*.

    Labels that differ by case alone are matched as they are written.  Keys are the numbers in the
    labels, or else those from 0 on, unless given; they aren't tried where a label is a number
    itself.
    """
    exact = set(labels)
    alike = Counter(label.casefold() for label in exact)
    folded = {fold: label for label in labels if alike[fold := label.casefold()] == 1}
    found = {name: name if name in exact else folded.get(name.casefold()) for name in rows.names}
    if None not in found.values() or not rows.numbered or any(map(NUMBER.fullmatch, labels)):
        return ClassMatch(labels=found, numbers={}, by="")
    by, own = "those of train", keys
    if own is None:
        by, own = "those in the names of the classes", _numbers_in(labels)
    if own is None:
        by, own = "positions from 0", [str(i) for i in range(len(labels))]
    numbers = dict(zip(own, labels, strict=True))
    return ClassMatch(
        labels={name: numbers.get(name) for name in rows.names}, numbers=numbers, by=by
    )


def align_rows(
    rows: Rows,
    labels: Sequence[str],
    *,
    where: str,
    keys: Sequence[str] | None = None,
    known: str = "the model knows",
) -> Rows:
    """*rows* with the class names *labels*, matched as `match_classes` does.

    A refusal calls the rows *where*, and says by *known* whose labels those are.

    Raises:
        DataError: A class is none of the labels, or two labels are the same.
    """
    if twice := [label for label, count in Counter(labels).items() if count > 1]:
        raise DataError(
            f"two classes of the model are called {shown(twice[0])}, so labels of {where} can't be"
            " told apart; give each its own name in id2label of its config.json"
        )
    matched = match_classes(rows, labels, keys)
    if matched.counts_from_one:
        raise DataError(
            f"{where} has the class {matched.unknown[0]!r}, but numbers are read as"
            f" {matched.by}, {len(labels) - 1} at most; these look counted from 1, so subtract 1"
            f" from each or write the names: {listed(labels)}"
        )
    if matched.unknown:
        raise DataError(
            f"{where} has the class {shown(matched.unknown[0])}; {known} {listed(labels)}"
        )
    found = matched.labels
    renamed = tuple(tuple(str(found[name]) for name in row) for row in rows.labels)
    return replace(rows, labels=renamed, names=tuple(labels), keys=tuple(labels))


def join_rows(parts: Sequence[Rows], role: str = "train") -> Rows:
    """All rows of *parts*, one after the other; new classes come after those of earlier parts.

    A refusal calls them files of this *role*.  One without rows can be of any kind.

    Raises:
        DataError: The files are not of one kind, or their classes don't match.
    """
    if len(parts) == 1:
        return parts[0]
    whole, *others = [part for part in parts if len(part)] or parts[:1]
    for part in others:
        whole = _joined(whole, part, "training" if role == "train" else role)
    return replace(
        whole,
        blank=sum(part.blank for part in parts),
        unlabeled=sum(part.unlabeled for part in parts),
        indices=(),
    )


def numbering_differs(rows: Rows, other: Rows) -> bool:
    """Whether one numbers its classes from 0 and the other from 1."""
    if not (rows.numbered and other.numbered):
        return False
    low, high = sorted(sorted({int(name) for name in part.names}) for part in (rows, other))
    return len(low) > 1 and low[0] == 0 and high[0] > 0 and high[-1] == low[-1] + 1


def _joined(first: Rows, second: Rows, role: str) -> Rows:
    if (first.pairs is None) != (second.pairs is None):
        raise DataError(f"some {role} files have a second text and some don't; give one kind")
    if first.multi_label != second.multi_label:
        raise DataError(f"some {role} files have lists of labels and some don't; give one kind")
    if first.numbered and second.named:
        raise DataError(f"some {role} files name their classes and some only number them; name all")
    if second.numbered and first.named:
        second = align_rows(
            second,
            first.names,
            where=f"a further {role} file",
            keys=first.keys,
            known="those before it have",
        )
    keys = dict(zip(first.names + second.names, first.keys + second.keys, strict=True))
    keys |= dict(zip(first.names, first.keys, strict=True))
    return Rows(
        texts=first.texts + second.texts,
        pairs=None if first.pairs is None else first.pairs + (second.pairs or ()),
        labels=first.labels + second.labels,
        names=tuple(keys),
        keys=tuple(keys.values()),
        multi_label=first.multi_label,
        scores=None if first.scores is None else first.scores + (second.scores or ()),
    )


def _numbers_in(labels: Sequence[str]) -> list[str] | None:
    """The one number in each label, as in 'LABEL_0' and '1 star'; None where that isn't so."""
    found = [PART.findall(label) for label in labels]
    if any(len(numbers) != 1 for numbers in found):
        return None
    own = [str(int(number)) for (number,) in found]
    return own if len(set(own)) == len(own) else None
