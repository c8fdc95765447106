"""Measure a checkpoint on rows it didn't see."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.models import (
    DEFAULT_MAX_LENGTH,
    Checkpoint,
    load_checkpoint,
    max_input_length,
    quiet_libraries,
)
from finetune.checkpoint.temperature import stored_temperature
from finetune.checkpoint.truncation import stored_max_length, stored_truncation
from finetune.checkpoint.windows import STRIDE_KEY, pool_logits, stored_windows
from finetune.data.evaluation_rows import load_evaluation_rows
from finetune.data.rows import Rows
from finetune.data.tables.columns import Columns
from finetune.data.token_masking import TokenMasking
from finetune.data.truncation import cut_texts, cut_windows
from finetune.errors import ConfigError, DataError, ModelError, OutputError
from finetune.evaluation.calibration import Targets, measure_calibration
from finetune.evaluation.metrics import measure_logits
from finetune.evaluation.regression import measure_scores
from finetune.evaluation.report.plots import RELIABILITY_FILE, metrics_plot, reliability_plot
from finetune.run.atomic_files import write_user_file
from finetune.run.column_names import ColumnNames
from finetune.run.config_sections import InputConfig
from finetune.run.local_paths import local_path, shown_name
from finetune.run.measurements import AnyMetrics, CalibrationMetrics
from finetune.run.progress import progress_bar
from finetune.run.record import RunRecord

ANY_COLUMNS = ColumnNames()


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationReport:
    """How a checkpoint does on one split of one data set."""

    checkpoint: str
    data: str
    split: str
    labels: tuple[str, ...]
    fingerprint: str
    max_length: int
    masking_ratio: float
    """The share of the tokens that were hidden before a text was read."""
    metrics: AnyMetrics
    temperature: float
    """What the checkpoint divides logits by; 1 where it states none."""
    calibration: CalibrationMetrics | None
    """At that temperature; None for scores, which are no probabilities."""
    columns: Columns
    """Which of the data were read."""
    notes: tuple[str, ...]
    """What is to be known of the rows, a sentence each."""

    @property
    def hidden(self) -> str:
        """What is added to the name of the data where tokens were hidden."""
        return f", {self.masking_ratio:.4g} of the tokens hidden" if self.masking_ratio else ""

    def save(self, path: Path) -> None:
        """Write the report as JSON."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False)
        try:
            write_user_file(path, text + "\n")
        except OSError as error:
            raise OutputError(f"{path.name!r} can't be written: {error.strerror}") from error

    def save_plots(self, folder: Path) -> list[Path]:
        """Draw what there is to see into *folder*; a matrix only with one class per row."""
        title, files = f"{self.checkpoint} on {self.data}{self.hidden}", []
        name = "as trained" if self.temperature == 1 else f"at temperature {self.temperature:.2f}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.calibration is not None:
                reliability_plot([(name, self.calibration)], folder / RELIABILITY_FILE, title=title)
                files.append(folder / RELIABILITY_FILE)
            files += metrics_plot(self.metrics, folder, title=title)
        except OSError as error:
            raise OutputError(
                f"no picture can be written into {folder.name!r}: {error.strerror}"
            ) from error
        return files


class Predictions(NamedTuple):
    """What a checkpoint said of rows, and what they are."""

    logits: FloatArray
    """(N, C)"""
    targets: Targets
    """Class numbers or scores (N,), or flags (N, C) where a row may have several classes."""


def evaluate(
    checkpoint: str,
    data: str,
    *,
    split: str | None = None,
    columns: ColumnNames = ANY_COLUMNS,
    batch_size: int = 32,
    limit: int | None = None,
    masking_ratio: float = 0.0,
) -> EvaluationReport:
    """The report of *checkpoint* on *data*, of which *limit* keeps the first rows.

    A *masking_ratio* above 0 hides about that share of each text's tokens, as training with
    `masking` does.
    """
    quiet_libraries()
    if batch_size < 1 or (limit is not None and limit < 1):
        raise ConfigError("--batch-size and --limit have to be at least 1")
    if not 0 <= masking_ratio <= 1:
        raise ConfigError(f"--masking-ratio {masking_ratio:g} is not a share; give 0 to 1")
    classifier = load_checkpoint(checkpoint)
    held_out = load_evaluation_rows(
        data, classifier.labels, split=split, columns=columns, regression=classifier.regression
    )
    rows = held_out.rows.select(range(len(held_out.rows))[:limit])
    max_length = _max_length(checkpoint, classifier)
    stored = stored_temperature(classifier.model.config, repr(shown_name(checkpoint)))
    temperature = 1.0 if stored is None else stored
    scores = predict_rows(
        classifier,
        rows,
        batch_size=batch_size,
        max_length=max_length,
        masking_ratio=masking_ratio,
    )
    return EvaluationReport(
        checkpoint=shown_name(checkpoint),
        data=shown_name(data),
        split=held_out.split,
        labels=classifier.labels,
        fingerprint=rows.fingerprint(),
        max_length=max_length,
        masking_ratio=masking_ratio,
        metrics=measure(scores, classifier),
        temperature=temperature,
        calibration=None
        if classifier.regression
        else measure_calibration(scores.logits, scores.targets, temperature),
        columns=held_out.columns,
        notes=held_out.notes,
    )


def measure(scores: Predictions, checkpoint: Checkpoint) -> AnyMetrics:
    """How good the logits of *checkpoint* are."""
    if checkpoint.regression:
        return measure_scores(scores.targets, scores.logits[:, 0])
    return measure_logits(scores.logits, scores.targets, checkpoint.labels)


def predict_rows(
    checkpoint: Checkpoint,
    rows: Rows,
    *,
    batch_size: int,
    max_length: int,
    masking_ratio: float = 0.0,
) -> Predictions:
    """Logits and targets of *rows*, whose classes are named as the checkpoint's."""
    if rows.multi_label and not checkpoint.multi_label:
        raise DataError("the rows have lists of labels but the checkpoint gives one class per text")
    inputs = rows.inputs()
    logits = predict_logits(
        checkpoint,
        inputs,
        batch_size=batch_size,
        max_length=max_length,
        masking_ratio=masking_ratio,
    )
    return Predictions(logits, targets(rows, checkpoint))


def predict_logits(
    checkpoint: Checkpoint,
    inputs: Sequence[tuple[str, str | None]],
    *,
    batch_size: int,
    max_length: int,
    masking_ratio: float = 0.0,
) -> FloatArray:
    """Logits in the order of *inputs*; texts of like length share a batch.  (N, C)

    Of a *masking_ratio* above 0 about that share of each text's tokens is hidden.

    Raises:
        ModelError: Some are not finite numbers, which can't be measured.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = checkpoint.model.eval().to(device)
    batch_size = batch_size if checkpoint.pads else 1
    windows = stored_windows(checkpoint.model.config)
    pooling = "mean" if windows is None else windows.pooling
    masking = TokenMasking(checkpoint.tokenizer) if masking_ratio else None
    logits = np.empty((len(inputs), len(checkpoint.labels)))
    order = sorted(range(len(inputs)), key=lambda i: -len(inputs[i][0]) - len(inputs[i][1] or ""))
    for start in progress_bar(range(0, len(order), batch_size), "evaluating"):
        batch = order[start : start + batch_size]
        read, owners = encode_all(checkpoint, [inputs[i] for i in batch], max_length=max_length)
        if masking is not None:
            read = masking.hide_all(read, masking_ratio)
        outputs = []
        for first in range(0, len(owners), batch_size):
            part = {name: rows[first : first + batch_size] for name, rows in read.items()}
            padded = checkpoint.tokenizer.pad(part, return_tensors="pt").to(device)
            with torch.inference_mode():
                outputs.append(model(**padded).logits.float().cpu().numpy())
        logits[batch] = pool_logits(np.concatenate(outputs), owners, len(batch), pooling)
    odd = int((~np.isfinite(logits)).any(axis=1).sum())
    if odd:
        raise ModelError(
            f"the model gives numbers that are not finite (NaN or infinity) for {odd:,} of"
            f" {len(logits):,} texts; its weights are damaged, or its training diverged"
        )
    return logits


def encode_all(
    checkpoint: Checkpoint, inputs: Sequence[tuple[str, str | None]], *, max_length: int
) -> tuple[dict[str, list[list[int]]], list[int]]:
    """What is read of *inputs* to measure them, and the number of the input of each part."""
    windows = stored_windows(checkpoint.model.config)
    if windows is None:
        return encode(checkpoint, inputs, max_length=max_length), list(range(len(inputs)))
    if inputs[0][1] is not None:
        raise DataError(
            "the checkpoint reads windows of single texts but the rows are pairs; remove"
            f" {STRIDE_KEY} from its config.json"
        )
    texts = [text for text, _ in inputs]
    columns, owners = cut_windows(
        checkpoint.tokenizer, texts, max_length=max_length, windows=windows
    )
    return _without_empty_rows(columns, checkpoint.tokenizer.pad_token_id), owners


def encode(
    checkpoint: Checkpoint, inputs: Sequence[tuple[str, str | None]], *, max_length: int
) -> dict[str, list[list[int]]]:
    """Token numbers of *inputs*, cut to *max_length* and not padded."""
    texts = [text for text, _ in inputs]
    pairs = [pair for _, pair in inputs]
    columns = cut_texts(
        checkpoint.tokenizer,
        texts,
        None if inputs[0][1] is None else [pair or "" for pair in pairs],
        max_length=max_length,
        mode=stored_truncation(checkpoint.model.config),
    )
    return _without_empty_rows(columns, checkpoint.tokenizer.pad_token_id)


def _without_empty_rows(
    columns: dict[str, list[list[int]]], pad: int
) -> dict[str, list[list[int]]]:
    """*columns*, with one token in rows that have none: some tokenizers put nothing around a text.

    A text of signs that its tokenizer drops would be a row without positions, which no model reads.
    """
    fill = {"input_ids": pad, "attention_mask": 1}
    return {name: [row or [fill.get(name, 0)] for row in rows] for name, rows in columns.items()}


def count_truncated(checkpoint: Checkpoint, rows: Rows, *, max_length: int) -> int:
    """Rows of more than *max_length* tokens, special tokens included."""
    count = 0
    for start in range(0, len(rows), 1_000):
        batch = rows.select(range(start, min(start + 1_000, len(rows)))).inputs()
        encoded = encode(checkpoint, batch, max_length=max_length + 1)
        count += sum(len(tokens) > max_length for tokens in encoded["input_ids"])
    return count


def targets(rows: Rows, checkpoint: Checkpoint) -> FloatArray | IntArray:
    """Class numbers (N,), scores (N,), or flags (N, C) where a text may have several classes.

    Scores and flags are float32, as the logits they are compared with.
    """
    if rows.scores is not None:
        return np.array(rows.scores, dtype=np.float32)
    number = {label: i for i, label in enumerate(checkpoint.labels)}
    if not checkpoint.multi_label:
        return np.array([number[name] for (name,) in rows.labels])
    flags = np.zeros((len(rows), len(number)), dtype=np.float32)
    for i, row in enumerate(rows.labels):
        flags[i, [number[name] for name in row]] = 1
    return flags


def _max_length(name: str, checkpoint: Checkpoint) -> int:
    """The limit that the checkpoint was trained with, or else what it can read."""
    config, windows = checkpoint.model.config, stored_windows(checkpoint.model.config)
    trained = (windows and windows.size) or stored_max_length(config) or _recorded_length(name)
    return min(max_input_length(checkpoint), trained or DEFAULT_MAX_LENGTH)


def _recorded_length(name: str) -> int | None:
    """The limit in the record of an older run, whose config.json says nothing.

    None where there is no record, or the number may not be a limit.
    """
    try:
        record = RunRecord.load(local_path(name))
        return InputConfig(max_length=record.max_length).max_length
    except (ModelError, ConfigError):
        return None
