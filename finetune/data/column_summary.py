"""The columns that were read, in words: what a model learns from, and what it never sees."""

from collections.abc import Iterable, Sequence

from finetune.data.tables.columns import Columns
from finetune.data.tables.messages import listed, shown


def describe_columns(read: Sequence[tuple[str, Columns]]) -> tuple[str, ...]:
    """A sentence on the columns of all files and splits, or one for each where they differ."""
    alike = dict.fromkeys(columns for _, columns in read)
    if len(alike) == 1:
        return tuple(f"Columns: {describe(columns)}." for columns in alike)
    return tuple(f"Columns of {where}: {describe(columns)}." for where, columns in read)


def describe(columns: Columns) -> str:
    """The columns of one file by what they are, and those of texts that are left."""
    named = {
        "text": columns.text,
        "second text": columns.pair,
        "label": columns.label,
        "name of the label": columns.label_name,
    }
    summary = ", ".join(f"{what} {shown(name)}" for what, name in named.items() if name is not None)
    if not columns.unread:
        return summary
    looks = "looks like texts" if len(columns.unread) == 1 else "look like texts"
    return f"{summary}; left unread: {listed(columns.unread)}, which {looks}"


def columns_as_json(read: Iterable[tuple[str, Columns]]) -> list[dict[str, object]]:
    """What is read of each file and split, for a report."""
    return [
        {
            "of": where,
            "text": columns.text,
            "pair": columns.pair,
            "label": columns.label,
            "label_name": columns.label_name,
            "unread": list(columns.unread),
        }
        for where, columns in read
    ]
