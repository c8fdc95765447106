"""Parts of a file on which the classifier does worse than chance explains."""

from dataclasses import dataclass
from typing import Literal

from finetune.run.json_files import Count, Items, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of the rows."""

    by: Literal["column", "length", "word"]
    column: str
    """The column of the file; for a length "tokens", for a word the column of the text."""
    value: str
    """As a reader would write it: a cell, a range such as "65 to 128", a word."""
    n_rows: Count
    n_errors: Count
    accuracy: Share
    accuracy_interval: tuple[Share, Share]
    """95% Wilson interval."""
    error_share: Share
    """Its share of all errors."""
    p_value: Share
    """Of Fisher's exact test against all other rows, corrected for all that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The parts that are worse, the worst first; nothing that chance explains."""

    n_tested: Count
    """How many parts were looked at."""
    n_rows: Count
    """Rows with a label."""
    accuracy: Share
    """Over all of them."""
    items: Items[Slice]
    notes: Items[str] = ()
