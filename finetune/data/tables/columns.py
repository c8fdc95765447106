"""Which columns of a file or data set hold the text, its pair and the class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from finetune.data.tables import cell_types
from finetune.data.tables.messages import listed, shown
from finetune.data.tables.table import Columnar, require_unique_name, sample_cells
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames

PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text", "text_pair"),
)
"""Usual names that belong together, looked for first."""

TEXTS = (
    "text", "sentence", "review", "content", "document", "tweet", "comment", "comment_text",
    "message", "question", "description", "body", "title",
)  # fmt: skip
LABELS = (
    "label", "labels", "class", "category", "target", "sentiment", "intent", "coarse_label",
    "label_name", "class_index", "score", "rating", "stars",
)  # fmt: skip
"""Usual names, the more usual first."""

MIN_SENTENCE_WORDS = 5
"""Words of a name that may be a text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The names of the columns that are read; no pair and no label name in many data sets."""

    text: str
    pair: str | None
    label: str
    label_name: str | None
    unread: tuple[str, ...] = ()
    """Other columns whose cells look like texts."""


def find_columns(data: Columnar, where: str, named: ColumnNames | None = None) -> Columns:
    """The columns of *data*, which is called *where*; those not in *named* are found.

    Raises:
        DataError: where a named column is not there, no other can be found by its name, or one
            that is to be read has the name of another.
    """
    found, names = _found(data, where, named), data.column_names
    assert found.text is not None  # else it was refused
    if found.label is None:
        raise DataError(_without_label(data, where, found))
    label_name = f"{found.label}_name" if f"{found.label}_name" in names else None
    read = [name for name in (found.text, found.pair, found.label, label_name) if name is not None]
    for name in read:
        require_unique_name(data, where, name)
    return Columns(
        text=found.text,
        pair=found.pair,
        label=found.label,
        label_name=label_name,
        unread=unread_texts(data, read),
    )


def find_texts(data: Columnar, where: str, named: ColumnNames | None = None) -> ColumnNames:
    """The columns of texts, as `find_columns` has them, and that of labels if there is one.

    It is the one with the names of the classes where there are numbers beside them.

    Raises:
        DataError: as `find_columns` does, but for a label that is not found.
    """
    named = named or ColumnNames()
    found = _found(data, where, named)
    if named.label is None and f"{found.label}_name" in data.column_names:
        found = replace(found, label=f"{found.label}_name")
    for name in filter(None, (found.text, found.pair, found.label)):
        require_unique_name(data, where, name)
    return found


def _found(data: Columnar, where: str, named: ColumnNames | None) -> ColumnNames:
    """The columns that are named and there, or usual; at least a text."""
    named, names = named or ColumnNames(), list(data.column_names)
    require_named(names, where, named)
    found = usual_columns(data, named)
    if found.text is None:
        raise DataError(_missing_column("text", names, where))
    return found


def require_named(names: Sequence[str], where: str, named: ColumnNames) -> None:
    """Refuse a named column that is not among *names*."""
    for what in ("text", "pair", "label"):
        wanted = getattr(named, what)
        if wanted is not None and wanted not in names:
            raise DataError(
                f"no column {shown(wanted)} in {shown(where)}; --{what}-column can be"
                f" {listed(names)}"
            )
    chosen = [name for name in (named.text, named.pair, named.label) if name is not None]
    twice = next((name for name in chosen if chosen.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"column {shown(twice)} of {shown(where)} can't have two roles; name another"
            " column for one of them"
        )


def usual_columns(data: Columnar, named: ColumnNames | None = None) -> ColumnNames:
    """The columns of *data* that are named, or that a usual name tells; None where none does."""
    named = named or ColumnNames()
    names = list(data.column_names)
    text, pair = named.text, named.pair
    usual = _by_usual_name(names)
    if text is None and pair is None:
        for first, second in PAIRS:
            if first in usual and second in usual:
                text, pair = usual[first], usual[second]
                break
    label = named.label or _first(LABELS, names, without=(text, pair))
    if text is None:
        text = _first(TEXTS, names, without=(pair, label))
        text = None if text is None else _prefer_texts(data, text, (pair, label))
    return ColumnNames(text, pair, label)


def unread_texts(data: Columnar, read: Iterable[str]) -> tuple[str, ...]:
    """The columns beside those *read* whose cells look like texts."""
    others = dict.fromkeys(data.column_names)
    for name in read:
        others.pop(name, None)
    return tuple(name for name in others if cell_types.are_texts(sample_cells(data, name)))


def _prefer_texts(data: Columnar, text: str, others: Iterable[str | None]) -> str:
    """The one column of texts where the one with the usual name holds numbers or keys."""
    if not cell_types.are_row_keys(sample_cells(data, text)):
        return text
    texts = unread_texts(data, [text, *filter(None, others)])
    return texts[0] if len(texts) == 1 else text


def usual_names(names: Iterable[str]) -> list[str]:
    """Those of *names* that are usual for a text, a second text or a label."""
    known = {*TEXTS, *LABELS, *(name for pair in PAIRS for name in pair)}
    return [name for usual, name in _by_usual_name(names).items() if usual in known]


def _by_usual_name(names: Iterable[str]) -> dict[str, str]:
    """Names by how they are usually written; one that is written so itself goes before others."""
    found: dict[str, str] = {}
    for name in names:
        usual = name.strip().lower().replace(" ", "_").replace("-", "_")
        if usual == name or usual not in found:
            found[usual] = name
    return found


def _first(
    wanted: Sequence[str], names: Iterable[str], without: Iterable[str | None]
) -> str | None:
    used = set(without)
    usual = _by_usual_name(name for name in names if name not in used)
    return next((usual[name] for name in wanted if name in usual), None)


def _missing_column(what: str, names: Sequence[str], where: str) -> str:
    # It may be a question that people were asked, so it is not refused for that alone.
    row = any(len(name.split()) >= MIN_SENTENCE_WORDS for name in names)
    doubt = ", whose first line may be a row instead of a header" if row else ""
    return (
        f"no {what} column among {listed(names)} of {shown(where)}{doubt}; name it with"
        f" --{what}-column"
    )


def _without_label(data: Columnar, where: str, found: ColumnNames) -> str:
    """What is to be done where no column has a usual name for labels."""
    names = [name for name in data.column_names if name not in (found.text, found.pair)]
    flags = [
        name for name in dict.fromkeys(names) if cell_types.are_binary(sample_cells(data, name))
    ]
    if len(flags) < 2:
        return _missing_column("label", list(data.column_names), where)
    return (
        f"{listed(flags)} of {shown(where)} look like one class each, 0 or 1; write each row's"
        f' classes as one list in JSON Lines, such as "labels": {_as_list(flags)}, or name a'
        " single one with --label-column"
    )


def _as_list(flags: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name[:20]}"' for name in flags[:2]) + "]"
