"""Names of files, columns and cells as they are told in a sentence: quoted, and never long."""

from collections.abc import Collection

MAX_NAME_CHARS = 60
"""Letters shown of a name or a cell."""
MAX_LISTED = 12
"""Names shown of many."""


def shown(name: object, longest: int = MAX_NAME_CHARS) -> str:
    """A name or cell in quotes, a long one without its middle: a path ends in what it names."""
    text, half = str(name), longest // 2
    return repr(text if len(text) <= longest else f"{text[: half - 1]}…{text[-half:]}")


def listed(names: Collection[object]) -> str:
    """Names in quotes, the first few of many."""
    listing = ", ".join(shown(name) for name in list(names)[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else ""
    return listing + more or "(none)"


def unreadable(name: str) -> str:
    """The beginning of a sentence on what is wrong with the file *name*."""
    return f"{shown(name)} can't be read as {name.rpartition('.')[2].lower()}"
