"""What can go wrong in `finetune`, as one tree.

Each message says what came, what is allowed or what to do, in one sentence.
"""

LONGEST = 60
"""Letters of a value that a sentence quotes."""


class FinetuneError(Exception):
    """Anything a user can mend; the command line shows its one sentence and exits with 1."""


class ConfigError(FinetuneError):
    """A setting outside what it may be."""


class DataError(FinetuneError):
    """A data set that can't be read, or that can't be learned from."""


class ModelError(FinetuneError):
    """A base model or checkpoint that can't be opened as a text classifier."""


class OutputError(FinetuneError):
    """A place on disk that can't be written to."""


class SnapshotError(OutputError):
    """A snapshot of a run that can't be written, or is not what was written."""


class RecordError(FinetuneError):
    """A file that was written here and can't be read back, or is not what was written."""


def quoted(value: object) -> str:
    """A value as it is written, on one line and no longer than a sentence can hold."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
