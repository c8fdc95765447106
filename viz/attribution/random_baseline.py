"""The control: scores drawn at random, which any method has to beat.

Source: viz/attribution/README.md 2.23.
"""

import zlib

import numpy as np

from viz.attribution.masking import SEED_OPTION
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.registry import register_method


def _random(inputs: AttributionInput) -> TokenScores:
    words, encoding = inputs.perturbation, inputs.reading.encoding
    # Another text is another draw: the same one would favor the same places in all of them.
    text = zlib.crc32(f"{encoding.text}\0{encoding.pair or ''}".encode())
    scores = np.random.default_rng([inputs.options["seed"], text]).random(words.n_words)
    # Drawn for words, not for tokens, so that a long word is no likelier to come first.
    return TokenScores(words.to_tokens(scores))


RANDOM = Method(
    name="random",
    label="Random",
    signed=False,
    cost=0,
    description="The control: a score drawn at random for each word, which knows nothing.",
    reference="DeYoung et al. 2020, ERASER, whose control is a random order",
    score=_random,
    class_specific=False,
    control=True,
    options=(SEED_OPTION,),
)

register_method(RANDOM)
