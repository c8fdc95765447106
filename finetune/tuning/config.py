"""How long a search for settings may go on."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from finetune.run.setting_types import MAX_NUMBER, STRICT, Minutes, Settings

DEFAULT_TRIALS = 20
"""Trials of a search that is given no end."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TuneConfig(Settings):
    """Search"""

    trials: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    """Trials that end the search; by default 20, or with --minutes as many as fit into them."""

    minutes: Minutes = 0.0
    """Minutes that the trials may take in all; 0 sets no limit. A trial that can't end in time is
    stopped. Training the winner comes on top."""

    keep_trials: bool = False
    """Keep the snapshots and events of every trial in the folder tuning of the checkpoint."""

    @property
    def most_trials(self) -> int:
        """Trials after which the search is over."""
        return self.trials or (MAX_NUMBER if self.minutes else DEFAULT_TRIALS)
