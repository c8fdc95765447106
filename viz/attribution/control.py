"""The control: scores drawn at random, which any method has to beat."""

import numpy as np

from viz.attribution.hiding import SEED
from viz.attribution.method import Method, Split, Task


def _random(task: Task) -> Split:
    words = task.perturbation
    drawn = np.random.default_rng(task.options["seed"]).random(words.n_words)
    # Drawn for words, not for tokens, so that a long word is no likelier to come first.
    return Split(words.over_tokens(drawn))


RANDOM = Method(
    name="random",
    label="Random",
    signed=False,
    cost=0,
    description="The control: a score drawn at random for each word, which knows nothing.",
    reference="attribution.md 4",
    run=_random,
    of_class=False,
    options=(SEED,),
)
