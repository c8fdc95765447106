"""The model card: a README.md told from the record of the run and from nothing else."""

import json
from collections.abc import Collection
from pathlib import Path
from statistics import median

from finetune.data.tables.safe_text import printable
from finetune.errors import parameter_count
from finetune.evaluation.report.abbreviate import abbreviated
from finetune.evaluation.report.card_calibration import (
    calibration_section,
)
from finetune.evaluation.report.card_tuning import tuning_section
from finetune.evaluation.report.card_windows import fate_of_long_texts, windows_paragraph
from finetune.evaluation.report.limitations import limitations, several
from finetune.evaluation.report.markdown import cell, code, escaped, paragraphs, table
from finetune.evaluation.report.metadata import front_matter, headline
from finetune.evaluation.report.plots import CONFUSION_FILE, RELIABILITY_FILE, SCATTER_FILE
from finetune.evaluation.report.terminal import format_spread
from finetune.evaluation.seed_spread import spreads
from finetune.run.atomic_files import write_atomically
from finetune.run.measurements import Metrics, RegressionMetrics
from finetune.run.metrics import choosing_metric, find_metric
from finetune.run.record import RunRecord, SplitRecord

MAX_CLASS_COLUMNS = 20
"""Classes up to which each has a column of its rows."""
PLOT_FILES = frozenset({CONFUSION_FILE, RELIABILITY_FILE, SCATTER_FILE})


def write_card(record: RunRecord, folder: Path) -> None:
    """Write README.md into *folder*; it shows the pictures that are there."""
    pictures = {name for name in PLOT_FILES if (folder / name).is_file()}
    write_atomically(folder / "README.md", model_card(record, pictures))


def model_card(record: RunRecord, pictures: Collection[str] = PLOT_FILES) -> str:
    """The card as Markdown, with the front matter that the Hub reads.

    Args:
        record: What is known of the run; whatever others wrote in it is shown as text.
        pictures: Those that may be shown, of the ones that such a run has.
    """
    parts = [
        front_matter(record),
        _head(record),
        _data(record),
        _training(record),
        tuning_section(record),
        _results(record, pictures),
        _seeds(record),
        _beside(record),
        calibration_section(record, pictures),
        limitations(record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(record: RunRecord) -> str:
    return f"""# {escaped(record.settings["output"])}

Gives a text {_answer(record)}.
Fine-tuned from {escaped(record.base)} ({parameter_count(record.parameters)}) on
{escaped(record.data_name)}.

{code(_use(record), "python")}

{windows_paragraph(record)}""".rstrip()


def _use(record: RunRecord) -> str:
    """Lines of Python that open the result with plain libraries."""
    name, base = (
        json.dumps(printable(text), ensure_ascii=False)
        for text in (record.settings["output"], record.base)
    )
    if record.settings.get("save") != "adapter":
        return f"""from transformers import pipeline

classify = pipeline("text-classification", {name})"""
    return f"""from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

base = AutoModelForSequenceClassification.from_pretrained(
    {base}, num_labels={len(record.labels)}, ignore_mismatched_sizes=True
)
model = PeftModel.from_pretrained(base, {name})
tokenizer = AutoTokenizer.from_pretrained({name})"""


def _answer(record: RunRecord) -> str:
    if record.regression:
        return "a score, which is a number (regression)"
    kind = "any number of" if several(record) else "one of"
    return (
        f"{kind} {len(record.labels):,} classes: {abbreviated(list(map(escaped, record.labels)))}"
    )


def _data(record: RunRecord) -> str:
    what = "scores" if record.regression else "class names"
    terms = escaped(record.data_terms or "not stated; ask whoever gave you the data")
    prints = [
        f"- {name}: `{split.fingerprint}`" + _too_long(split.truncated, record)
        for name, split in record.splits.items()
    ]
    return "\n\n".join(
        [
            "## Data",
            f"{escaped(record.data_name)}. Terms: {terms}.",
            _split_table(record),
            escaped(
                " ".join([f"Validation comes from {record.validation_origin}.", *record.notes])
            ),
            *_warnings(record),
            f"SHA-256 of texts and {what}:\n\n" + "\n".join(prints),
        ]
    )


def _split_table(record: RunRecord) -> str:
    """The rows of each split, and of its classes; or where its scores lie."""
    head = list(map(escaped, record.labels))
    if record.regression:
        head = ["mean score", "standard deviation", "lowest", "highest"]
    elif len(head) > MAX_CLASS_COLUMNS:
        head = ["classes with rows", "fewest rows of those", "median", "most rows"]
    rows = [
        [name, f"{split.rows:,}", *_content(split, record)] for name, split in record.splits.items()
    ]
    return table(["split", "rows", *head], rows)


def _content(split: SplitRecord, record: RunRecord) -> list[str]:
    if split.scores is None:
        counts = [split.class_counts[label] for label in record.labels]
        if len(counts) > MAX_CLASS_COLUMNS:
            counts = sorted(filter(None, counts)) or [0]
            counts = [len(counts), counts[0], int(median(counts)), counts[-1]]
        return [f"{count:,}" for count in counts]
    scores = split.scores
    return [f"{v:.4g}" for v in (scores.mean, scores.deviation, scores.lowest, scores.highest)]


def _warnings(record: RunRecord) -> list[str]:
    if not record.check:
        return []
    return ["The data check warned:\n\n" + "\n".join(f"- {escaped(line)}" for line in record.check)]


def _training(record: RunRecord) -> str:
    curve = [
        [
            f"**{point.epoch}**" if point.epoch == record.best_epoch else str(point.epoch),
            f"{point.train_loss:.4f}",
            f"{point.validation_loss:.4f}",
            *(f"{value:.4f}" for value in point.measured.values()),
        ]
        for point in record.epochs
    ]
    measured = [find_metric(name).label for name in record.epochs[0].measured]
    best = choosing_metric(regression=record.regression).label
    versions = escaped(", ".join(" ".join(each) for each in record.versions.items()))
    with_pretraining = " with pre-training" if record.settings.get("pretrain_epochs") else ""
    return "\n\n".join(
        [
            "## Training",
            code(printable(record.command), "sh"),
            table(["epoch", "train loss", "validation loss", *measured], curve),
            *_loss(record),
            *_masking(record),
            f"The epoch in bold had the highest {best} on validation and is the one saved"
            f" ({record.settings['save_dtype']} weights).",
            f"Trained in {escaped(str(record.precision_choice))} on {escaped(record.device)}:"
            f" {_minutes(record.seconds)}{with_pretraining}, {record.texts_per_second:,.0f} texts"
            f" per second. Ended {record.created}, with {versions}.",
        ]
    )


def _loss(record: RunRecord) -> list[str]:
    if not record.regression:
        return []
    return ["A loss is the mean squared error of scores over their variance in train."]


def _masking(record: RunRecord) -> list[str]:
    if not record.settings.get("masking"):
        return []
    return [
        "In half of the texts of each batch tokens were hidden, a share from 0 to 1 of them"
        " ([Madsen et al. 2024](https://arxiv.org/abs/2310.07819)). So it knows texts with hidden"
        " words, and can judge explanations of a checkpoint that was trained without (`clsight"
        " score --judge`). On whole texts it may be less accurate than that one."
    ]


def _results(record: RunRecord, pictures: Collection[str]) -> str:
    parts = ["## Results", "Of the saved weights, computed in float32."]
    parts += ["### Validation", _chosen_on_validation(record), *paragraphs(record.validation)]
    if record.test is not None:
        parts += [
            "### Test",
            "Measured once, after training; no choice was based on it.",
            *paragraphs(record.test),
        ]
    return "\n\n".join(parts + _picture(record, pictures))


def _seeds(record: RunRecord) -> str:
    """How far runs that differ in their seed lie apart."""
    if not record.seeds:
        return ""
    rows = [
        [
            f"{find_metric(name).label}, {split}",
            *_by_seed(record, split, name),
            format_spread(name, spread),
        ]
        for split, metrics in spreads(record.seeds).items()
        for name, spread in metrics.items()
    ]
    explanation = (
        "The same run with other seeds; the one that was kept was the best of them on validation,"
        " so its own numbers there are optimistic. The mean is more informative, with its 95%"
        " interval by Student's t:"
    )
    names = (f"seed {each.seed}{' (kept)' if each.kept else ''}" for each in record.seeds)
    return "\n\n".join(["## Seeds", explanation, table(["", *names, "mean"], rows)])


def _by_seed(record: RunRecord, split: str, name: str) -> list[str]:
    splits = [
        each.validation if split == "validation" else each.test or {} for each in record.seeds
    ]
    return [f"{values[name]:{find_metric(name).format}}" for values in splits]


def _picture(record: RunRecord, pictures: Collection[str]) -> list[str]:
    """What `plots.metrics_plot` drew; older runs, without a calibration, have none."""
    split, metrics = headline(record)
    if isinstance(metrics, RegressionMetrics):
        alt, name = f"Predicted over true scores on {split}", SCATTER_FILE
    elif record.calibration is None or metrics.confusion is None:
        return []
    else:
        what = f"true {_shown_classes(metrics)} down, predicted across"
        alt, name = f"Confusion matrix on {split}: {what}", CONFUSION_FILE
    return [f"![{alt}]({name})"] if name in pictures else []


def _shown_classes(metrics: Metrics) -> str:
    if metrics.confused is None:
        return "classes"
    return f"classes, the {len(metrics.confused)} most often taken for each other,"


def _beside(record: RunRecord) -> str:
    """What is made of the same rows without a network."""
    if not record.baselines:
        return ""
    rows = [
        [
            escaped(name),
            escaped(setting),
            *(cell(metrics) for metrics in splits if metrics is not None),
        ]
        for name, setting, *splits in (
            ("this model", "", record.validation, record.test),
            *(
                (baseline.name, baseline.setting, baseline.validation, baseline.test)
                for baseline in record.baselines
            ),
        )
    ]
    splits = ["validation"] if record.test is None else ["validation", "test"]
    return "\n\n".join(
        [
            f"## Beside classical {'regression' if record.regression else 'classifiers'}",
            f"Trained on the same rows; validation chose their settings. {_measures(record)}:",
            table(["method" if record.regression else "classifier", "setting", *splits], rows),
        ]
    )


def _measures(record: RunRecord) -> str:
    if record.regression:
        return "R2, root mean squared error, and Pearson's correlation with its 95% interval"
    return "Accuracy with its 95% interval, and macro F1"


def _chosen_on_validation(record: RunRecord) -> str:
    n_trials = 0 if record.tuning is None else len(record.tuning.trials)
    counts = {"epochs": len(record.epochs), "seeds": len(record.seeds), "trials": n_trials}
    chosen = [f"of {count:,} {noun}" for noun, count in counts.items() if count > 1]
    if not chosen:
        return "One epoch was run, so no choice was based on these rows."
    how_much = "slightly " if n_trials < 2 else ""  # `selection_bias` says more of trials
    return (
        f"These rows chose the best {' and '.join(chosen)}, so the numbers are {how_much}better"
        " than new texts of the same kind will give."
    )


def _too_long(rows: int, record: RunRecord) -> str:
    fate = fate_of_long_texts(record)
    return f" (longer than {record.max_length} tokens and {fate}: {rows:,})" if rows else ""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
