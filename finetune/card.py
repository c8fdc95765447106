"""The model card: a README.md told from the record of the run and from nothing else."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from finetune.calibration import KEY
from finetune.metadata import front_matter, headline
from finetune.plots import CONFUSION, RELIABILITY
from finetune.record import CalibrationRecord, Metrics, RunRecord
from finetune.report import interval

KEPT = {"head": "the first", "tail": "the last", "head+tail": "the beginning and the end, together"}
"""What of a long text is kept, by the setting."""


def write_card(record: RunRecord, folder: Path) -> None:
    """Write README.md into *folder*."""
    (folder / "README.md").write_text(model_card(record), encoding="utf-8")


def model_card(record: RunRecord) -> str:
    """The card as Markdown, with the front matter that the Hub reads."""
    sections = (_head, _data, _training, _results, _beside, _calibration, _limits)
    parts = [front_matter(record), *(section(record) for section in sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(record: RunRecord) -> str:
    name = record.settings["output"]
    kind = "any number of" if _several(record) else "one of"
    return f"""# {name}

Gives a text {kind} {len(record.labels)} classes: {", ".join(record.labels)}.
Fine-tuned from {record.base} ({record.parameters / 1e6:.1f} million parameters) on
{record.data_name}.

```python
from transformers import pipeline

classify = pipeline("text-classification", "{name}")
```"""


def _data(record: RunRecord) -> str:
    rows = [
        [name, f"{split.rows:,}", *(f"{split.class_counts[label]:,}" for label in record.labels)]
        for name, split in record.splits.items()
    ]
    terms = record.data_terms or "not stated; ask whoever gave you the data"
    prints = [
        f"- {name}: `{split.fingerprint}`" + _truncated(split.truncated, record.max_length)
        for name, split in record.splits.items()
    ]
    return "\n\n".join(
        [
            "## Data",
            f"{record.data_name}. Terms: {terms}.",
            _table(["split", "rows", *record.labels], rows),
            " ".join([f"Validation comes from {record.validation_origin}.", *record.notes]),
            *_warnings(record),
            "SHA-256 of texts and class names:\n\n" + "\n".join(prints),
        ]
    )


def _warnings(record: RunRecord) -> list[str]:
    if not record.check:
        return []
    return ["The data check warned:\n\n" + "\n".join(f"- {line}" for line in record.check)]


def _training(record: RunRecord) -> str:
    curve = [
        [
            f"**{point.epoch}**" if point.epoch == record.best_epoch else str(point.epoch),
            f"{point.train_loss:.4f}",
            f"{point.validation_loss:.4f}",
            f"{point.accuracy:.4f}",
            f"{point.macro_f1:.4f}",
        ]
        for point in record.epochs
    ]
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    return "\n\n".join(
        [
            "## Training",
            f"```sh\n{record.command}\n```",
            _table(["epoch", "train loss", "validation loss", "accuracy", "macro F1"], curve),
            f"The epoch in bold had the highest macro F1 on validation and is the one saved"
            f" ({record.settings['save_dtype']} weights).",
            f"Trained in {record.precision} on {record.device}: {_minutes(record.seconds)},"
            f" {record.texts_per_second:,.0f} texts per second. Ended {record.created}, with"
            f" {versions}.",
        ]
    )


def _results(record: RunRecord) -> str:
    parts = ["## Results", "Of the saved weights, computed in float32."]
    parts += ["### Validation", _chosen_on_validation(record), *_metrics(record.validation)]
    if record.test is not None:
        parts += [
            "### Test",
            "Measured once, after training; it chose nothing.",
            *_metrics(record.test),
        ]
    if record.calibration is not None and headline(record)[1].confusion is not None:
        what = f"Confusion matrix on {headline(record)[0]}: true classes down, predicted across"
        parts.append(f"![{what}]({CONFUSION})")
    return "\n\n".join(parts)


def _beside(record: RunRecord) -> str:
    """What classifiers without a network make of the same rows."""
    if not record.baselines:
        return ""
    rows = [
        [name, setting, *(_score(metrics) for metrics in splits if metrics is not None)]
        for name, setting, *splits in (
            ("this model", "", record.validation, record.test),
            *((made.name, made.setting, made.validation, made.test) for made in record.baselines),
        )
    ]
    splits = ["validation"] if record.test is None else ["validation", "test"]
    return "\n\n".join(
        [
            "## Beside classical classifiers",
            "Trained on the same rows; validation chose their settings. Accuracy with its 95 %"
            " interval, and macro F1:",
            _table(["classifier", "setting", *splits], rows),
        ]
    )


def _score(metrics: Metrics) -> str:
    return f"{metrics.accuracy:.2%} ({interval(metrics)}), {metrics.macro_f1:.4f}"


def _calibration(record: RunRecord) -> str:
    made = record.calibration
    if made is None:
        return ""
    rows = [
        [name, f"{found.ece:.2%}", f"{found.nll:.4f}", f"{found.brier:.4f}"]
        for name, found in (("as trained", made.before), ("at the temperature", made.after))
    ]
    unit = "every decision for or against a class" if _several(record) else "every row"
    return "\n\n".join(
        [
            "## Calibration",
            _temperature(made),
            _table(
                ["probabilities", "expected calibration error", "log-likelihood lost", "Brier"],
                rows[:1] if made.reason else rows,
            ),
            f"Measured on {_held_out(made)}; {unit} counts, in {len(made.after.curve)} bins of"
            " equal width.",
            f"![Reliability on {made.measured_on}: share that is right by confidence]"
            f"({RELIABILITY})",
        ]
    )


def _temperature(made: CalibrationRecord) -> str:
    if made.reason:
        return f"No temperature was fitted: {made.reason}."
    return (
        f"Dividing the logits by **{made.temperature:.3f}** makes their softmax or sigmoid closer"
        " to the chance of being right. The number was fitted on validation and stands as"
        f" `{KEY}` in `config.json`; CLSight uses it, transformers itself doesn't. No decision"
        " changes."
    )


def _held_out(made: CalibrationRecord) -> str:
    if made.measured_on == "test" or made.reason:
        return made.measured_on
    return "validation, each fifth at the temperature fitted on the other four"


def _chosen_on_validation(record: RunRecord) -> str:
    if len(record.epochs) == 1:
        return "One epoch was run, so these rows chose nothing."
    return (
        f"These rows chose the best of {len(record.epochs)} epochs, so the numbers are slightly"
        " better than new texts of the same kind will give."
    )


def _metrics(metrics: Metrics) -> list[str]:
    right = "rows with every class right" if metrics.confusion is None else "accuracy"
    classes = [
        [row.label, *(f"{v:.4f}" for v in (row.precision, row.recall, row.f1)), f"{row.support:,}"]
        for row in metrics.classes
    ]
    parts = [
        f"{metrics.rows:,} rows: {right} **{metrics.accuracy:.2%}** (95 % interval"
        f" {interval(metrics)}), macro F1 **{metrics.macro_f1:.4f}**.",
        _table(["class", "precision", "recall", "F1", "rows"], classes),
    ]
    return parts + _confusion(metrics)


def _confusion(metrics: Metrics) -> list[str]:
    if metrics.confusion is None:
        return []
    labels = [row.label for row in metrics.classes]
    rows = [
        [label, *(f"{count:,}" for count in counts)]
        for label, counts in zip(labels, metrics.confusion, strict=True)
    ]
    return ["Confusion matrix:", _table(["true \\ predicted", *labels], rows)]


def _limits(record: RunRecord) -> str:
    unknown = (
        "A text of another kind may get any class or none."
        if _several(record)
        else "Every text gets one of the classes, also a text that belongs to none of them."
    )
    truncation = record.settings.get("truncation", "head")
    limits = [
        f"It knows {', '.join(record.labels)} and nothing else. {unknown}",
        f"It learned from {record.data_name} only; on texts from elsewhere, of another time or in"
        " another language it can be far worse than the numbers above.",
        "The intervals hold the chance of which rows were drawn, not errors in their labels.",
        f"It was trained on {KEPT[truncation]} {record.max_length} tokens of each text.",
        _trust(record),
    ]
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _trust(record: RunRecord) -> str:
    """How far its probabilities are the chance of being right."""
    if record.calibration is None or record.calibration.reason:
        return (
            "Its probabilities weren't calibrated: they order classes, but aren't the chance of"
            " being right."
        )
    return (
        "Its probabilities are calibrated for texts like those of validation, and only once the"
        " logits are divided by the temperature; on other texts they can be far too sure."
    )


def _several(record: RunRecord) -> bool:
    return record.problem_type == "multi_label_classification"


def _truncated(rows: int, max_length: int) -> str:
    return f" (longer than {max_length} tokens and cut: {rows:,})" if rows else ""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers and stand right."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
