"""The limits: the best and the worst order of words, searched for on the measure of faithfulness.

Between the two lies every other order, so that a method can be read as a share of what is
attainable.  Source: viz/attribution/README.md 2.22.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.decomposition_path import MaskingPath, path_scores
from viz.attribution.local_search import GOALS, Goal, OrderSearch, order_scores
from viz.attribution.masking import descending_order, lacks_token
from viz.attribution.method import AttributionInput, Method, Option, TokenScores
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.registry import register_method
from viz.errors import MethodError
from viz.model.perturbation import OPERATORS, Operator

N_VERSIONS = 600
"""Versions of the text that a search may read, unless another number is given."""


def limit_orders(
    inputs: AttributionInput, operator: Operator, n_versions: int = N_VERSIONS
) -> dict[Goal, list[int]]:
    """The best and the worst order of the words of a text under one operator, as far as searched.

    Args:
        inputs: The text and the class; its options are not used.
        operator: How words are hidden.
        n_versions: How many versions of the text either search may read.

    Returns:
        Indices of all words, the first to be hidden first.

    Raises:
        MethodError: for masks, where the tokenizer has no mask token.
    """
    starts = initial_scores(inputs)
    return {goal: _searched(inputs, {operator: 1.0}, n_versions, goal, starts)[0] for goal in GOALS}


def _searched(
    inputs: AttributionInput,
    weights: Mapping[Operator, float],
    n_versions: int,
    goal: Goal,
    starts: Sequence[FloatArray],
) -> tuple[list[int], float, int]:
    """An order that was searched for, its AOPC, and how many versions that took."""
    search = OrderSearch(inputs, weights, n_versions, goal)
    first, *_ = [search.order(descending_order(search.sign * scores)) for scores in starts]
    search.read_all()
    order = search.run(search.best(first.words), np.random.default_rng(0))
    return order.words, search.sign * float(order.drops.mean()), n_versions - search.budget


def _search(inputs: AttributionInput) -> TokenScores:
    choice, goal = inputs.options["operator"], inputs.options["goal"]
    operators = OPERATORS if choice == "both" else (choice,)
    weights = {operator: 1 / len(operators) for operator in operators}
    n_versions = int(inputs.options["rows"])
    order, aopc, n_read = _searched(inputs, weights, n_versions, goal, initial_scores(inputs))
    return TokenScores(
        inputs.perturbation.to_tokens(order_scores(order)),
        measured={"aopc": aopc, "rows": float(n_read)},
    )


def initial_scores(inputs: AttributionInput) -> list[FloatArray]:
    """Scores whose orders are tried first."""
    try:
        exact = DECOMPOSITION.run(_default(inputs, DECOMPOSITION)).scores
        at_text, on_path = path_scores(MaskingPath(inputs))
    except MethodError:  # the network can't be made linear
        hidden = OCCLUSION.run(_default(inputs, OCCLUSION)).scores
        return [inputs.perturbation.to_words(hidden)]
    return [inputs.perturbation.to_words(exact), on_path, on_path + at_text]


def _default(inputs: AttributionInput, method: Method) -> AttributionInput:
    return AttributionInput(
        inputs.classifier,
        inputs.reading,
        inputs.target,
        method.resolve_options(None, inputs.classifier),
        inputs.progress,
        inputs.perturbation,
    )


SEARCH = Method(
    name="search",
    label="Search",
    signed=False,
    cost=600,
    description="The order of hiding words that moves the class most, found by search: the limit "
    "for all other methods.",
    reference="CLSight; objective of Samek et al. 2017",
    score=_search,
    options=(
        Option(
            name="operator",
            label="Hide words by",
            default="mask",
            help="What the order is searched for: masks, deletion, or the mean of both.",
            choices=(*OPERATORS, "both"),
            lacks=lacks_token,
        ),
        Option(
            name="goal",
            label="Order",
            default="best",
            help="The order that moves the class most, or least: every other lies between the two.",
            choices=GOALS,
        ),
        Option(
            name="rows",
            label="Passes",
            default=N_VERSIONS,
            help="About how many versions of the text it may read.",
            minimum=50,
            maximum=20_000,
        ),
    ),
    estimated_forward_passes=lambda n_words, n_layers, options: float(options["rows"]),
    operator="mask",
    by_window=False,
)

register_method(SEARCH)
