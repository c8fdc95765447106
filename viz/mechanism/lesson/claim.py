"""One sentence about attention, and whether it is true of one model and one text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Value = float | int | str
"""What fills a placeholder of a sentence: a number, or a word of the text."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim with its verdict and the numbers that decide it."""

    key: str
    """Names its sentences in the texts of the lesson."""
    holds: bool | None
    """None where it can't be computed here."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """The numbers that decide it, the limit among them, and what else its sentences say."""
    reason: str = ""
    """Why it can't be computed: the key of a sentence."""

    def __post_init__(self) -> None:
        """Check that a claim without a verdict says why, and freeze the values."""
        if (self.holds is None) != bool(self.reason):
            raise ValueError(f"claim {self.key!r} needs either a verdict or a reason")
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


def not_computed(key: str, reason: str, **values: Value) -> Claim:
    """A claim that can't be computed here, and why."""
    return Claim(key, None, values, reason)
