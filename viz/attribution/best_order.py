"""The limit: an order of words found by search on the measure of faithfulness itself.

Its score is the best order found, so that every other method can be read as a share of what is
attainable.  Source: viz/attribution/README.md 2.22.
"""

import numpy as np

from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.decomposition_path import MaskingPath, path_scores
from viz.attribution.local_search import OrderSearch, ranks
from viz.attribution.masking import NO_MASK_NOTE, descending_order
from viz.attribution.method import AttributionInput, Method, Option, TokenScores
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.registry import register_method
from viz.errors import MethodError
from viz.model.perturbation import OPERATORS
from viz.types import FloatArray


def _search(task: AttributionInput) -> TokenScores:
    words, chosen = task.perturbation, task.options["operator"]
    wanted = OPERATORS if chosen == "both" else (chosen,)
    operators = tuple(o for o in wanted if o in words.operators) or words.operators
    weights = {operator: 1 / len(operators) for operator in operators}
    search = OrderSearch(task, weights, int(task.options["rows"]))
    first, *_ = [search.order(descending_order(scores)) for scores in _starts(task)]
    search.read_all()
    best = search.run(search.best(first.words), np.random.default_rng(0))
    spent = int(task.options["rows"]) - search.left
    return TokenScores(
        words.to_tokens(ranks(best.words)),
        measured={"aopc": float(best.worth.mean()), "rows": float(spent)},
        notes=() if set(wanted) <= set(words.operators) else (NO_MASK_NOTE,),
    )


def _starts(task: AttributionInput) -> list[FloatArray]:
    """Scores whose orders are tried first."""
    try:
        exact = DECOMPOSITION.run(_default(task, DECOMPOSITION)).scores
        whole, faded = path_scores(MaskingPath(task))
    except MethodError:  # the network can't be made linear
        hidden = OCCLUSION.run(_default(task, OCCLUSION)).scores
        return [task.perturbation.to_words(hidden)]
    return [task.perturbation.to_words(exact), faded, faded + whole]


def _default(task: AttributionInput, method: Method) -> AttributionInput:
    return AttributionInput(
        task.classifier,
        task.reading,
        task.target,
        method.resolve_options(None),
        task.progress,
        task.perturbation,
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
)

register_method(SEARCH)
