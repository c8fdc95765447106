"""Which columns of a data set hold the text, its pair and the class."""

from collections.abc import Collection
from dataclasses import dataclass

from finetune.errors import DataError

PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text", "text_pair"),
)
"""Names that belong together, looked for first."""

TEXTS = (
    "text", "sentence", "review", "content", "document", "tweet", "comment", "comment_text",
    "message", "question", "description", "body", "title",
)  # fmt: skip
LABELS = (
    "label", "labels", "class", "category", "target", "sentiment", "intent", "coarse_label",
    "label_name", "score", "rating", "stars",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnNames:
    """The columns that the user names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The names of the columns that are read; no pair and no label name in many data sets."""

    text: str
    pair: str | None
    label: str
    label_name: str | None


def find_columns(names: Collection[str], where: str, named: ColumnNames) -> Columns:
    """The columns among *names*; one that is named has to exist, the others are found."""
    for what in ("text", "pair", "label"):
        wanted = getattr(named, what)
        if wanted is not None and wanted not in names:
            raise DataError(
                f"no column {wanted!r} in {where!r}; --{what}-column can be {_listed(names)}"
            )
    text, pair = (named.text, named.pair) if named.text else _find_texts(names, where, named.pair)
    label = named.label or _first(LABELS, names, where, "label")
    label_name = f"{label}_name" if f"{label}_name" in names else None
    return Columns(text=text, pair=pair, label=label, label_name=label_name)


def _find_texts(names: Collection[str], where: str, pair: str | None) -> tuple[str, str | None]:
    by_lower = {name.lower(): name for name in names}
    for first, second in PAIRS:
        if pair is None and first in by_lower and second in by_lower:
            return by_lower[first], by_lower[second]
    others = [name for name in names if name != pair]
    return _first(TEXTS, others, where, "text"), pair


def _first(wanted: tuple[str, ...], names: Collection[str], where: str, what: str) -> str:
    by_lower = {name.lower(): name for name in names}
    for name in wanted:
        if name in by_lower:
            return by_lower[name]
    raise DataError(
        f"no {what} column among {_listed(names)} of {where!r}; name it with --{what}-column"
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in names) or "(none)"
