"""Occlusion: hide one word at a time and see how far the explained scalar falls.

    score of a word = F(text) - F(text without the word)

Words that say the same thing stand in for each other, so both may score 0.  Sources:
viz/attribution/README.md 2.14; Zeiler and Fergus 2014; Li et al. 2016.
"""

import numpy as np

from viz.attribution.masking import OPERATOR_OPTION, explained_values
from viz.attribution.method import AttributionInput, Method, Options, TokenScores
from viz.attribution.registry import register_method


def _occlusion(inputs: AttributionInput) -> TokenScores:
    words = inputs.perturbation
    operator = inputs.options["operator"]
    one_hidden = ~np.eye(words.n_words, dtype=bool)
    keep = np.concatenate([np.ones((1, words.n_words), dtype=bool), one_hidden])
    values = explained_values(inputs, keep, operator)
    scores = words.to_tokens(values[0] - values[1:])
    return TokenScores(scores, measured={"rows": words.n_read})


def _forward_passes(n_words: int, n_layers: int, options: Options) -> float:
    return n_words + 1


OCCLUSION = Method(
    name="occlusion",
    label="Occlusion",
    signed=True,
    cost=40,
    description="What the class loses when a word is hidden, one word at a time.",
    reference="Zeiler and Fergus 2014; Li et al. 2016",
    score=_occlusion,
    options=(OPERATOR_OPTION,),
    estimated_forward_passes=_forward_passes,
    operator="mask",
)

register_method(OCCLUSION)
