"""What classifiers without a network make of the same rows: words counted, then weighed.

TF-IDF of words and pairs of words (of characters, one to three, where the script has no spaces),
under a linear support vector machine and complement naive Bayes (Rennie et al. 2003).  Each one's
single setting is the one with the highest macro F1 on validation, by which the epochs of a network
are chosen too; no choice is based on test.

Scores are predicted by ridge regression, its setting that of the highest R2, and by their mean.
"""

import re
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.data.rows import Rows
from finetune.data.splits import Splits
from finetune.evaluation.metrics import measure_classes, measure_multi_label
from finetune.evaluation.regression import measure_scores
from finetune.run.measurements import AnyMetrics, RegressionMetrics
from finetune.run.record import BaselineRecord

SEPARATOR = " [SEP] "
"""Between the texts of a pair."""

WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
LETTER = re.compile(r"[^\W\d_]")

SAMPLE_TEXTS = 1_000
"""Texts that tell which script it is."""
MIN_ROWS_FOR_MIN_DF = 1_000
"""Rows from which on what occurs once is left out: it tells little and fills the memory."""
MAX_WEIGHTS = 20_000_000
"""Weights of a model at most, over all its classes: 160 MB."""


@dataclass(frozen=True, slots=True)
class BaselineModel:
    """A kind of classifier with one setting that is to be chosen."""

    name: str
    setting: str
    values: tuple[float, ...]
    make: Callable[[float], Any]
    most: int | None = None
    """Classes up to which it is trained; one machine for each takes its time."""


CLASSIFIERS = (
    BaselineModel(
        "TF-IDF + linear SVM",
        "C",
        (0.03, 0.1, 0.3, 1.0, 3.0),
        lambda value: LinearSVC(C=value, random_state=0, max_iter=2_000),
        most=1_000,
    ),
    BaselineModel(
        "TF-IDF + naive Bayes",
        "alpha",
        (0.01, 0.03, 0.1, 0.3, 1.0),
        lambda value: ComplementNB(alpha=value),
    ),
)

RIDGE = BaselineModel(
    "TF-IDF + ridge regression",
    "alpha",
    (0.1, 0.3, 1.0, 3.0, 10.0),
    lambda value: Ridge(alpha=value, solver="sparse_cg"),
)
MEAN_NAME = "mean of train"

Targets = IntArray | FloatArray


@dataclass(frozen=True, slots=True)
class _Task:
    """The splits as numbers: train to learn from, validation to choose by."""

    labels: tuple[str, ...]
    x: dict[str, csr_matrix]
    y: dict[str, Targets]

    def measure(self, split: str, predicted: Targets) -> AnyMetrics:
        gold = self.y[split]
        if gold.dtype.kind == "f":
            return measure_scores(gold, np.asarray(predicted, np.float64), keep=0)
        measure = measure_multi_label if gold.ndim == 2 else measure_classes
        return measure(gold.astype(np.int64), predicted.astype(np.int64), self.labels)


def measure_baselines(splits: Splits) -> tuple[BaselineRecord, ...]:
    """Both classical classifiers on *splits*, or both ways to scores, trained on train alone."""
    started = time.perf_counter()
    counted, train = fit_vectorizer(splits.train, most=MAX_WEIGHTS // max(len(splits.labels), 1))
    task = _task(splits, counted, train)
    shared = time.perf_counter() - started
    what = "characters 1 to 3" if counted.analyzer == "char" else "words 1 to 2"
    if splits.train.regression:
        return _mean(task), _baseline(RIDGE, task, what, shared)
    return tuple(
        _baseline(family, task, what, shared)
        for family in CLASSIFIERS
        if family.most is None or len(splits.labels) <= family.most
    )


def describe_skipped(labels: Sequence[str]) -> str | None:
    """A sentence where there are too many classes for one of the classifiers."""
    names = [each.name for each in CLASSIFIERS if each.most is not None and len(labels) > each.most]
    return f"Left out: {names[0]}, as there are {len(labels):,} classes." if names else None


def vectorizer(analyzer: str, *, fewest: int = 1, most: int | None = None) -> TfidfVectorizer:
    """What turns texts into numbers: by `word`, or by `char` where words have no spaces.

    What fewer than *fewest* texts have is left out, and of the rest all but the *most* frequent.
    """
    by: dict[str, Any] = {"ngram_range": (1, 3)}
    if analyzer == "word":
        # Unlike scikit-learn's own pattern, this one keeps words of one letter.
        by = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
    return TfidfVectorizer(
        analyzer=analyzer,
        sublinear_tf=True,
        min_df=fewest,
        max_features=most,
        dtype=np.float32,
        **by,
    )


def fit_vectorizer(train: Rows, most: int | None = None) -> tuple[TfidfVectorizer, csr_matrix]:
    """A vectorizer that knows the training texts, and their numbers: *most* for each."""
    texts = joined_texts(train)
    by = vectorizer(
        "char" if has_no_spaces(train) else "word",
        fewest=2 if len(train) >= MIN_ROWS_FOR_MIN_DF else 1,
        most=most,
    )
    try:
        return by, by.fit_transform(texts)
    except ValueError:  # no text has a word, or none recurs
        by = vectorizer("char", most=most)
        return by, by.fit_transform(texts)


def has_no_spaces(rows: Rows) -> bool:
    """Whether most letters of the first texts are of a script that is written without spaces."""
    text = "".join(joined_texts(rows.select(range(min(len(rows), SAMPLE_TEXTS)))))
    return 2 * len(WITHOUT_SPACES.findall(text)) > len(LETTER.findall(text))


def joined_texts(rows: Rows) -> list[str]:
    """Each row as one text."""
    return [text if pair is None else f"{text}{SEPARATOR}{pair}" for text, pair in rows.inputs()]


def _task(splits: Splits, counted: TfidfVectorizer, train: csr_matrix) -> _Task:
    parts = {"train": splits.train, "validation": splits.validation}
    if splits.test is not None:
        parts["test"] = splits.test
    x = {"train": train}
    x |= {
        name: counted.transform(joined_texts(part)) for name, part in parts.items() if name not in x
    }
    several = splits.train.multi_label
    numbers = {name: _numbers(part, splits.labels, several) for name, part in parts.items()}
    return _Task(splits.labels, x, numbers)


def _numbers(rows: Rows, labels: Sequence[str], several: bool) -> Targets:
    """Class numbers (N,), flags (N, C), or scores (N,)."""
    if rows.scores is not None:
        return np.array(rows.scores)
    number = {label: index for index, label in enumerate(labels)}
    if not several:
        return np.array([number[name] for (name,) in rows.labels])
    flags = np.zeros((len(rows), len(labels)), dtype=np.int64)
    for row, names in zip(flags, rows.labels, strict=True):
        row[[number[name] for name in names]] = 1
    return flags


def _baseline(family: BaselineModel, task: _Task, what: str, seconds: float) -> BaselineRecord:
    """The best member of a family, measured; *seconds* were spent before."""
    started = time.perf_counter()
    best: tuple[AnyMetrics, float, dict[str, Targets]] | None = None
    for value in family.values:
        predictions = _predict(family.make(value), task)
        metrics = task.measure("validation", predictions["validation"])
        if best is None or _selection_score(metrics) > _selection_score(best[0]):
            best = metrics, value, predictions
    assert best is not None  # families have values
    metrics, value, predictions = best
    return BaselineRecord(
        name=family.name,
        setting=f"{what}, {family.setting} {value:g}",
        validation=metrics,
        test=task.measure("test", predictions["test"]) if "test" in predictions else None,
        seconds=round(seconds + time.perf_counter() - started, 2),
    )


def _mean(task: _Task) -> BaselineRecord:
    """The mean score of train for every text: what R2 is counted from."""
    mean = float(task.y["train"].mean())
    predictions = {name: np.full(len(gold), mean) for name, gold in task.y.items()}
    return BaselineRecord(
        name=MEAN_NAME,
        setting=f"{mean:.4g}",
        validation=task.measure("validation", predictions["validation"]),
        test=task.measure("test", predictions["test"]) if "test" in predictions else None,
        seconds=0.0,
    )


def _selection_score(metrics: AnyMetrics) -> float:
    """What settings are chosen by; the more the better."""
    return -metrics.rmse if isinstance(metrics, RegressionMetrics) else metrics.macro_f1


def _predict(model: Any, task: _Task) -> dict[str, Targets]:
    """What a model that learned train says of the other splits."""
    gold = task.y["train"]
    others = {name: x for name, x in task.x.items() if name != "train"}
    if gold.ndim == 1:
        fitted = _fit(model, task.x["train"], gold)
        return {name: fitted.predict(x) for name, x in others.items()}
    columns = [_column(model, task.x["train"], flags, others) for flags in gold.T]
    return {name: np.stack([column[name] for column in columns], axis=1) for name in others}


def _column(
    model: Any, x: csr_matrix, flags: IntArray, others: dict[str, csr_matrix]
) -> dict[str, IntArray]:
    """One class against the rest; where train has it always or never, that is the answer."""
    if flags.min() == flags.max():
        return {name: np.full(part.shape[0], flags[0]) for name, part in others.items()}
    fitted = _fit(clone(model), x, flags)
    return {name: fitted.predict(part) for name, part in others.items()}


def _fit(model: Any, x: csr_matrix, y: Targets) -> Any:
    with warnings.catch_warnings():
        # A machine that hasn't quite settled is a baseline all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)
