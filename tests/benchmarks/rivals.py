"""`decomposition+` beside the strongest explainers of other libraries, each with 100 versions.

    python -m tests.benchmarks.rivals --checkpoint F --data CSV [--checkpoint F --data CSV ...]
        [--rows 50] [--skip 240] [--output report.json]

Peers are Interpreto's LIME and KernelSHAP and shapiq's sampled approximators of Shapley values; for
them alone `pip install interpreto shapiq numba` is needed.  All explain the predicted class of the
same texts of 12 to 45 words, word by word, and are measured by the same AOPC.  shapiq is given the
log-odds of the class as its game, with words masked or deleted; Interpreto masks words itself, and
explains the log of the probability.  Differences are paired, AOPC of a peer minus that of
`decomposition+`.  Rows are kept as those of `tests.benchmarks.default`.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.onednn import gains, products
from tests.benchmarks.order_study import StudyRows, WordScorer, by_method
from tests.benchmarks.study_report import (
    study_pairs,
    study_parser,
    summary_report,
    table,
    write_report,
)
from viz.attribution.masking import log_odds
from viz.attribution.method import AttributionInput
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray, Operator

try:
    interpreto: Any = import_module("interpreto")
    inference_modes: Any = import_module("interpreto.attributions").InferenceModes
    shapiq: Any = import_module("shapiq")
except ImportError as error:
    raise SystemExit(
        f"The peers of this benchmark are not installed ({error}); run "
        "`pip install interpreto shapiq numba`."
    ) from error

WORDS = (12, 45)
"""Of a text that is taken, between blanks."""
BUDGET = 100
"""Versions of a text that each may read."""
OURS = "decomposition+"
BATCH = 32


def by_interpreto(inputs: AttributionInput, explainer: str) -> FloatArray:
    """Word scores by Interpreto.  (n_words,)

    Words of its own are put together from ours by their tokens, of which both have the same.
    """
    classifier, words = inputs.classifier, inputs.perturbation
    ids = inputs.reading.encoding.inputs["input_ids"]
    torch.manual_seed(0)
    explain = getattr(interpreto, explainer)(
        classifier.model,
        classifier.tokenizer,
        batch_size=BATCH,
        granularity=interpreto.Granularity.WORD,
        inference_mode=inference_modes.LOG_SOFTMAX,
        n_perturbations=BUDGET,
    )
    with torch.no_grad(), products(wanted=gains(classifier.model)):  # as fast as ours
        targets = torch.tensor([inputs.target.target_class])
        (output,) = explain(inputs.reading.encoding.text, targets)
    encoded = output.model_inputs_to_explain
    assert encoded["input_ids"][0].tolist() == ids.tolist()
    (units,) = interpreto.Granularity.WORD.get_indices(encoded, classifier.tokenizer)
    of_tokens = np.zeros(len(ids))
    for unit, score in zip(units, output.attributions[0].tolist(), strict=True):
        of_tokens[unit] = score / len(unit)
    return words.to_words(of_tokens)


def by_shapiq(
    inputs: AttributionInput,
    operator: Operator,
    approximator: Callable[..., Any],
    **settings: Any,
) -> FloatArray:
    """Word scores by a sampled approximator of shapiq: Shapley values of the log-odds.  (n_words,)

    Raises:
        AssertionError: where more versions were read than may be.
    """

    def game(kept: BoolArray) -> FloatArray:
        return log_odds(inputs, np.atleast_2d(kept), operator)

    n_words = inputs.perturbation.n_words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of budgets that are small for so many words
        values = approximator(n_words, random_state=0, **settings).approximate(BUDGET, game)
    assert inputs.perturbation.n_read <= BUDGET + 2  # the ends may come on top
    first_order: FloatArray = np.array([values[(word,)] for word in range(n_words)])
    return first_order


APPROXIMATORS = {
    "KernelSHAP": partial(shapiq.KernelSHAP, pairing_trick=True),
    "KernelSHAP-IQ, pairs": partial(shapiq.KernelSHAPIQ, max_order=2, pairing_trick=True),
    "SVARM": shapiq.SVARM,
    "permutations": shapiq.PermutationSamplingSV,
}
OPERATORS: tuple[Operator, ...] = ("mask", "delete")
SCORERS: Mapping[str, WordScorer] = MappingProxyType(
    {
        OURS: by_method(f"{OURS}:rows={BUDGET}"),
        "decomposition-path (2 passes)": by_method("decomposition-path"),
        "Interpreto LIME": partial(by_interpreto, explainer="Lime"),
        "Interpreto KernelSHAP": partial(by_interpreto, explainer="KernelShap"),
        **{
            f"shapiq {name}, {operator}": partial(
                by_shapiq, operator=operator, approximator=approximator
            )
            for name, approximator in APPROXIMATORS.items()
            for operator in OPERATORS
        },
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables; write them as JSON where `--output` says."""
    parser = study_parser(__doc__ or "", rows=50, skip=240, output=Path("rivals.json"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    reports = []
    for checkpoint, data in study_pairs(parser, options):
        texts = StudyRows(Classifier.load(checkpoint), data, WORDS)
        rows = texts.rows(options.skip, options.rows)
        measured = texts.measure(options.output.with_suffix(".rows"), rows, SCORERS)
        summary = summary_report(measured, OURS)
        name, source = Path(checkpoint).name, f"{data.parent.name}/{data.name}"
        reports.append(
            {"checkpoint": name, "data": source, "rows": len(measured), "summary": summary}
        )
        write_report(options.output, reports)
        print(f"\n{name}, {source}: {len(measured)} rows\n\n{table(summary, OURS)}", flush=True)


if __name__ == "__main__":
    main()
