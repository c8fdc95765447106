"""A run that is opened and checked, before its first step."""

from dataclasses import dataclass

from finetune.checkpoint.models import Checkpoint
from finetune.checkpoint.score_scale import ScoreScale
from finetune.data.check import CheckReport
from finetune.data.splits import Splits
from finetune.run.config import TrainConfig
from finetune.run.metrics import choosing_metric
from finetune.run.precision_choice import PrecisionChoice


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedRun:
    """What a run consists of once everything is opened and checked."""

    config: TrainConfig
    splits: Splits
    base: Checkpoint
    max_length: int
    precision: PrecisionChoice
    check: CheckReport

    @property
    def best_by(self) -> str:
        """The name of the metric of the best epoch."""
        return choosing_metric(regression=self.base.regression).name

    @property
    def scale(self) -> ScoreScale | None:
        """What scores are trained in; None where rows have classes."""
        scores = self.splits.train.scores
        return None if scores is None else ScoreScale.for_head(scores, self.base.model)
