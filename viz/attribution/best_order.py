"""The limit: an order of words found by search on the measure of faithfulness itself.

Its score is the best order found, so that every other method can be read as a share of what is
attainable.  Source: viz/attribution/README.md 2.22.
"""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.decomposition_path import MaskingPath, path_scores
from viz.attribution.local_search import OrderSearch, order_scores
from viz.attribution.masking import descending_order, lacks_token
from viz.attribution.method import AttributionInput, Method, Option, TokenScores
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.registry import register_method
from viz.errors import MethodError
from viz.model.perturbation import OPERATORS


def _search(inputs: AttributionInput) -> TokenScores:
    words, choice = inputs.perturbation, inputs.options["operator"]
    operators = OPERATORS if choice == "both" else (choice,)
    weights = {operator: 1 / len(operators) for operator in operators}
    search = OrderSearch(inputs, weights, int(inputs.options["rows"]))
    first, *_ = [search.order(descending_order(scores)) for scores in _initial_scores(inputs)]
    search.read_all()
    best = search.run(search.best(first.words), np.random.default_rng(0))
    spent = int(inputs.options["rows"]) - search.budget
    return TokenScores(
        words.to_tokens(order_scores(best.words)),
        measured={"aopc": float(best.drops.mean()), "rows": float(spent)},
    )


def _initial_scores(inputs: AttributionInput) -> list[FloatArray]:
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
            name="rows",
            label="Passes",
            default=600,
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
