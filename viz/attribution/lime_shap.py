"""LIME and KernelSHAP: hide words at random, fit a linear model to what the classifier then says.

Both explain the log-odds of the class against all others together, which a linear model fits better
than the margin to the runner-up (viz/attribution/README.md 1.1); for a multi-label head the logit.

LIME (Ribeiro et al. 2016, defaults of its text explainer): how many words are hidden is uniform
from 1 to n; a version's distance d is 1 - cos(keep, all) = 1 - sqrt(share kept); it weighs
sqrt(exp(-d^2 / width^2)) with width 0.25; ridge with alpha 1 and an intercept.

KernelSHAP (Lundberg and Lee 2017; paired as by Covert and Lee 2021): k words are kept with a
probability that goes as (n - 1) / (k (n - k)); each version comes with its complement; scores add
up to v(text) - v(nothing).  Where there are fewer pairs than words, the smallest scores that fit
are taken, measured from equal shares.

Source: viz/attribution/README.md 2.15 and 2.16.
"""

import math

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.masking import (
    OPERATOR_OPTION,
    SEED_OPTION,
    all_subsets,
    log_odds,
)
from viz.attribution.method import AttributionInput, Method, Option, Options, TokenScores
from viz.attribution.registry import register_method
from viz.model.perturbation import BoolArray

KERNEL_WIDTH = 0.25
"""Of LIME's kernel."""
RIDGE_ALPHA = 1.0
"""Of LIME's ridge."""
FEW_PAIRS = "Fewer pairs of versions were read than there are words; read more rows."

Fit = tuple[FloatArray, FloatArray | None]
"""Scores of words and their standard errors; None where nothing was drawn or nothing is left to
estimate them from.  Each (n,)"""


def _lime(inputs: AttributionInput) -> TokenScores:
    words = inputs.perturbation
    operator = inputs.options["operator"]
    keep, counts, sampled = lime_rows(words.n_words, inputs.options)
    values = log_odds(inputs, keep, operator)
    distances = 1 - np.sqrt(keep.mean(1))
    weights = counts * np.exp(-(distances**2) / (2 * KERNEL_WIDTH**2))
    scores, errors = ridge(keep, values, weights)
    return _token_scores(inputs, (scores, errors if sampled else None))


def lime_rows(n: int, options: Options) -> tuple[BoolArray, FloatArray, bool]:
    """The versions LIME reads, the whole text first, and how often each counts.

    Returns:
        (N, n) and (N,), and whether they were drawn; else they are all there are, each counted as
        often as it would be drawn on average.
    """
    rows = int(options["rows"])
    if 2**n <= rows:
        keep = all_subsets(n)[::-1]
        chances = [1 / (n * math.comb(n, int(hidden))) for hidden in (~keep[1:]).sum(1)]
        return keep, np.array([1, *((rows - 1) * np.array(chances))]), False
    rng = np.random.default_rng(options["seed"])
    keep = np.ones((rows, n), dtype=bool)
    for row in keep[1:]:
        row[rng.choice(n, rng.integers(1, n + 1), replace=False)] = False
    return keep, np.ones(rows), True


def ridge(keep: BoolArray, values: FloatArray, weights: FloatArray) -> Fit:
    """Weighted ridge with an intercept that is not shrunk, and its standard errors.

    The errors (HC3) take weights for importance, not for precision, and count as noise what is
    not linear, since other rows would have shown another part of it.

    Args:
        keep: (N, n).
        values: (N,).
        weights: (N,).
    """
    rows = keep - np.average(keep, axis=0, weights=weights)
    targets = values - np.average(values, weights=weights)
    gram = (rows * weights[:, None]).T @ rows + RIDGE_ALPHA * np.eye(keep.shape[1])
    estimator = np.linalg.solve(gram, (rows * weights[:, None]).T)
    scores = estimator @ targets
    leverage = np.einsum("ij,ji->i", rows, estimator) + weights / weights.sum()
    return scores, _hc3_errors(estimator, targets - rows @ scores, leverage)


def _kernel_shap(inputs: AttributionInput) -> TokenScores:
    words = inputs.perturbation
    operator = inputs.options["operator"]
    n = words.n_words
    ends = log_odds(inputs, np.array([[True] * n, [False] * n]), operator)
    keep, weights, sampled = shap_pairs(n, inputs.options)
    if not len(keep):
        return _token_scores(inputs, (np.full(n, ends[0] - ends[1]), None))
    values = log_odds(inputs, np.concatenate([keep, ~keep]), operator)
    halves = (values[: len(keep)] - values[len(keep) :]) / 2
    scores, errors = constrained_fit(keep, halves, weights, ends[0] - ends[1])
    few = len(keep) <= n and sampled
    fit = scores, errors if sampled and not few else None
    return _token_scores(inputs, fit, (FEW_PAIRS,) * few)


def shap_pairs(n: int, options: Options) -> tuple[BoolArray, FloatArray, bool]:
    """One version of each pair of complements that KernelSHAP reads, and what it weighs.

    Returns:
        (N, n), (N,) and whether they were drawn; else they are all there are, weighed by the
        Shapley kernel.
    """
    sizes = np.arange(1, n)
    chances = (n - 1) / (sizes * (n - sizes))
    rows = int(options["rows"])
    if 2**n <= rows:
        keep = all_subsets(n)[1 : 2 ** (n - 1)]
        kernel = chances / [math.comb(n, int(size)) for size in sizes]
        return keep, kernel[keep.sum(1) - 1], False
    rng = np.random.default_rng(options["seed"])
    keep = np.zeros(((rows - 2) // 2, n), dtype=bool)
    samples = rng.choice(sizes, len(keep), p=chances / chances.sum())
    for row, size in zip(keep, samples, strict=True):
        row[rng.choice(n, size, replace=False)] = True
    return keep, np.ones(len(keep)), True


def constrained_fit(keep: BoolArray, halves: FloatArray, weights: FloatArray, total: float) -> Fit:
    """The scores that add up to `total` and fit the pairs best, and their standard errors.

    For a pair of complements, a linear value has (v - v') / 2 = (keep - 1/2) . scores.  With
    scores = total / n + rest, where the rest adds up to 0, the rest is fitted freely in that space.

    Args:
        keep: (N, n): one version of each pair.
        halves: (N,): half the difference in value between it and its complement.
        weights: (N,).
        total: What the scores add up to.
    """
    n = keep.shape[1]
    equal_share = total / n
    rows = keep - keep.mean(1, keepdims=True)
    targets = halves - (keep.sum(1) - n / 2) * equal_share
    root = np.sqrt(weights)
    estimator = np.linalg.pinv(rows * root[:, None], rcond=1e-10) * root
    rest = estimator @ targets
    leverage = np.einsum("ij,ji->i", rows, estimator)
    return equal_share + rest, _hc3_errors(estimator, targets - rows @ rest, leverage)


def _hc3_errors(estimator: FloatArray, residuals: FloatArray, leverage: FloatArray) -> FloatArray:
    """HC3 standard errors of a linear estimate `estimator @ targets` (MacKinnon and White 1985)."""
    left_out = residuals / (1 - leverage).clip(min=1e-6)
    errors: FloatArray = np.sqrt((estimator**2) @ (left_out**2))
    return errors


def _token_scores(inputs: AttributionInput, fit: Fit, notes: tuple[str, ...] = ()) -> TokenScores:
    words, (scores, errors) = inputs.perturbation, fit
    return TokenScores(
        words.to_tokens(scores),
        errors=None if errors is None else words.errors_to_tokens(errors),
        measured={"rows": words.n_read},
        notes=notes,
    )


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    return float(min(2**n_words, options["rows"]))


ROWS = Option(
    name="rows",
    label="Rows",
    default=100,
    help="How many versions of the text are read, at most.",
    minimum=10,
    maximum=100_000,
)
LIME = Method(
    name="lime",
    label="LIME",
    signed=True,
    cost=100,
    description="A linear model of what the classifier says when words are hidden at random.",
    reference="Ribeiro et al. 2016",
    score=_lime,
    options=(ROWS, OPERATOR_OPTION, SEED_OPTION),
    estimated_forward_passes=_forward_passes,
    operator="mask",
    against_all=True,
)
KERNEL_SHAP = Method(
    name="kernel-shap",
    label="KernelSHAP",
    signed=True,
    cost=100,
    description="A linear model fitted so that, with enough rows, its scores are Shapley values.",
    reference="Lundberg and Lee 2017; Covert and Lee 2021",
    score=_kernel_shap,
    options=(ROWS, OPERATOR_OPTION, SEED_OPTION),
    estimated_forward_passes=_forward_passes,
    operator="mask",
    against_all=True,
)

register_method(LIME)
register_method(KERNEL_SHAP)
