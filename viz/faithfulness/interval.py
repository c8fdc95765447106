"""A mean over texts with its 95% interval."""

from dataclasses import dataclass

from finetune.run.json_files import Number


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over texts, and where 95% of means over other such texts would lie."""

    mean: Number
    low: Number
    high: Number

    @property
    def above_zero(self) -> bool:
        """Whether all of the interval is."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether all of the interval is; with neither, there is no difference to speak of."""
        return self.high < 0
