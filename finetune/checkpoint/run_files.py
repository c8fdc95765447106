"""The files that a run leaves, by name: who writes one and who reads it take the name from here.

A run of the output NAME works in `.NAME.partial` beside it, which becomes NAME when it is whole.
"""

PARTIAL_SUFFIX = ".partial"
"""How the name of what is still being written ends."""

RECORD = "run.json"
"""What is known of a finished run."""
EVENTS = "events.jsonl"
"""What happens in a run, as it happens."""
CHECK_REPORT = "check.json"
"""What the check found in its data."""
SETTINGS = "settings.json"
"""What a run that isn't finished was begun with."""
LOCK = "lock"
"""Held locked by the process at work; the system frees it however that ends."""

CHECKPOINTS = "checkpoints"
"""Folder inside the working folder with the snapshots of the run."""
SEEDS = "seeds"
"""Folder inside it with a folder for each of several seeds."""
TRIALS = "trials.csv"
"""Every trial of the search for the settings of a run, a line each."""
JOURNAL = "journal.log"
"""What a search for settings has found so far, as Optuna writes it."""
TUNING = "tuning"
"""Folder inside a checkpoint with those trials, where they are kept."""
SNAPSHOT_PREFIX = "checkpoint-"
"""A snapshot is named by this and its step."""
HISTORY = "history"
"""Folder inside a checkpoint with the weights that were kept of the training of it."""
HISTORY_PREFIX = "step-"
"""The folder of kept weights is named by this and its step in six digits."""
SEED_PREFIX = "seed-"
"""The folder of a seed is named by this and the seed."""

RESULT_LINE = "Best epoch "
"""How the line of a log begins that says where the result is."""
RANKING = "Ranking the methods "
"""How the line of a log begins that says that the ranking behind a training has begun."""
NOT_RANKED = "Methods are not ranked: "
"""How the last line of a log begins where the ranking behind a training failed."""


def tuning_name(name: str) -> str:
    """The name of the folder in which a search works, of the output *name*."""
    return f".{name}.{TUNING}"


def partial_name(name: str) -> str:
    """The name of the folder in which a run works, of the output *name*."""
    return f".{name}{PARTIAL_SUFFIX}"
