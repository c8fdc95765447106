"""What the Hub reads of a model card: the YAML in front of it."""

import re
from collections.abc import Iterator

from finetune.data.tables.safe_text import printable
from finetune.run.measurements import AnyMetrics, RegressionMetrics
from finetune.run.record import RunRecord

HUB_NAME = re.compile(r"(\w[\w.-]*/)?\w[\w.-]*", re.ASCII)
TASK = "text-classification"
HubMetric = tuple[str, str | None, float]
"""A metric by its type on the Hub, its name where that says too little, and its value."""


def front_matter(record: RunRecord) -> str:
    """Base model and results, in the format of the Hub, between its lines of dashes."""
    from huggingface_hub import EvalResult, ModelCardData

    split, metrics = headline(record)
    results = [
        EvalResult(
            task_type=TASK,
            dataset_type=_one_line(record.data_name),
            dataset_name=_one_line(record.data_name),
            dataset_split=split,
            metric_type=kind,
            metric_name=name,
            metric_value=value,
        )
        for kind, name, value in _metrics(metrics, record)
    ]
    data = ModelCardData(
        # The Hub refuses a card with a base model that no model of it can be called.
        base_model=_one_line(record.base) if HUB_NAME.fullmatch(record.base) else None,
        eval_results=results,
        library_name="peft" if record.settings.get("save") == "adapter" else "transformers",
        metrics=[result.metric_type for result in results],
        model_name=_one_line(record.settings["output"]),
        pipeline_tag=TASK,
    )
    return f"---\n{data.to_yaml()}\n---"


def _metrics(metrics: AnyMetrics, record: RunRecord) -> Iterator[HubMetric]:
    if isinstance(metrics, RegressionMetrics):
        for kind, name, value in (
            ("r_squared", "R2", metrics.r2),
            ("rmse", "RMSE", metrics.rmse),
            ("mae", "MAE", metrics.mae),
            ("pearsonr", "Pearson", metrics.pearson),
            ("spearmanr", "Spearman", metrics.spearman),
        ):
            if value is not None:
                yield kind, name, float(f"{value:.6g}")
        return
    yield "accuracy", None, round(metrics.accuracy, 4)
    yield "f1", "Macro F1", round(metrics.macro_f1, 4)
    if record.calibration is not None:
        # At the stored temperature, on the same split as the other metrics.
        yield "ece", "Expected calibration error", round(record.calibration.after.ece, 4)


def headline(record: RunRecord) -> tuple[str, AnyMetrics]:
    """Test where there is one, since validation chose the epoch."""
    return ("validation", record.validation) if record.test is None else ("test", record.test)


def _one_line(text: str) -> str:
    """A name on one line, without what steers a screen."""
    return printable(" ".join(text.split()))
