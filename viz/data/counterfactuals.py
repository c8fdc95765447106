"""The smallest edits of a text that change its class, each verified by reading the text again."""

from dataclasses import dataclass
from typing import Literal

from finetune.run.json_files import Count, Items, Share

EditKind = Literal["mask", "delete", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What happens to one word."""

    word: Count
    """Its index among the words of the text."""
    written: str
    """The word as it stands there."""
    replacement: str | None
    """What stands there instead; None where it is hidden or deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """A set of edits that flips the decision."""

    kind: EditKind
    edits: Items[Edit]
    """In reading order."""
    text: str
    """The text after the edits, as it was read again."""
    label: str
    """The class it then has."""
    probability: Share
    """Of that class."""
    smallest: bool
    """Whether no smaller set of such edits flips it: all were tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounterfactuals:
    """What flips one row."""

    row: Count
    label: str
    """The class that it has as it stands."""
    probability: Share
    items: Items[Counterfactual]
    """At most one of each kind, the fewest edits first."""
    notes: Items[str] = ()
    """Why there is none of a kind."""
