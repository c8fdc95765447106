"""Words that stand where nothing is: what a program or a person writes for a missing value."""

PROGRAM_WORDS = frozenset({"nan", "nat", "<na>", "#n/a", "#na", "null", "#null!", "\\n"})
"""What programs write for a value that is missing."""
MISSING_WORDS = PROGRAM_WORDS | {
    "na", "n/a", "n.a.", "n.a", "none", "nil", "missing", "unknown", "undefined", "empty", "blank",
    "(blank)", "(empty)", "not available", "not applicable", "unlabeled", "unlabelled", "tbd", "-",
    "--", "---", "–", "—", "?", "??", ".", "..", "...", "…", "_", "*",
}  # fmt: skip
"""What people write, some of which can be the name of a class."""


def is_missing(text: str) -> bool:
    """Whether *text* is a word that stands for no value."""
    return _plain(text) in MISSING_WORDS


def is_written_by_programs(text: str) -> bool:
    """Whether it is one that people hardly give to a class."""
    return _plain(text) in PROGRAM_WORDS


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
