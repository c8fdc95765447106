"""The command line of clsight, as the app calls it to train."""

import sys

from finetune.data.tables.messages import shown
from viz.errors import RunError

MAX_ARGUMENT_BYTES = 10_000
"""Of an argument on a command line; systems allow some 100,000."""


def clsight_command(*arguments: str) -> list[str]:
    """`clsight` with arguments, whose trainings end with a ranking; errors likewise."""
    require_arguments(*arguments)
    return [sys.executable, "-m", "viz.cli.main", *arguments]


def require_arguments(*arguments: str) -> None:
    """A RunError where one of the arguments can't stand on a command line."""
    for argument in arguments:
        if not is_argument(argument):
            raise RunError(
                f"{shown(argument)} can't be passed to a run: it is too long, or has a character"
                " that a command can't have; give another."
            )


def is_argument(text: str) -> bool:
    """Whether *text* can stand on a command line."""
    try:
        return "\0" not in text and len(text.encode()) <= MAX_ARGUMENT_BYTES
    except UnicodeEncodeError:  # half a surrogate pair
        return False
