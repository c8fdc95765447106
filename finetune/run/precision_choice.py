"""In which numbers a run computes, and why: stated in its settings, record, output and card."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrecisionChoice:
    """float32 or bfloat16, in which products are computed, and the reason in a few words."""

    precision: str
    reason: str = ""
    """Empty where it was not written down."""

    @property
    def bfloat16(self) -> bool:
        """Whether products are computed in bfloat16."""
        return self.precision == "bfloat16"

    def __str__(self) -> str:
        return f"{self.precision} ({self.reason})" if self.reason else self.precision
