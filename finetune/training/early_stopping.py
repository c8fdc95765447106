"""Early stopping, remembered in the Trainer's log: a resumed run stops where the whole one does."""

from typing import Any

from transformers import TrainerCallback


class EarlyStopping(TrainerCallback):  # type: ignore[misc]
    """Ends training once *epochs* epochs in a row brought no better *metric* on validation."""

    def __init__(self, epochs: int, metric: str) -> None:
        super().__init__()
        self.epochs = epochs
        self.metric = f"eval_{metric}"

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count the epochs since the best one."""
        values = [entry[self.metric] for entry in state.log_history if self.metric in entry]
        if epochs_since_best(values) >= self.epochs:
            control.should_training_stop = True


def epochs_since_best(values: list[float]) -> int:
    """How many *values* came after the first of the highest."""
    return len(values) - 1 - values.index(max(values))
