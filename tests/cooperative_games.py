"""Texts whose logits follow a rule that a test knows, in place of a network."""

from collections.abc import Callable, Mapping

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz import Classifier
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.target import Target
from viz.model.perturbation import BoolArray, Operator, Perturbation

Rule = Callable[[BoolArray], FloatArray]
"""The logit of class 0 for each version; the other logits are 0.  (N, n) -> (N,)"""


class Game(Perturbation):
    """A text of the tiny classifier that a rule reads; every version it is asked for is counted."""

    def __init__(self, classifier: Classifier, n_words: int, rule: Rule) -> None:
        super().__init__(classifier, classifier.encode(" ".join(["oil"] * n_words)))
        self.rule = rule

    def logits(self, kept: BoolArray, operator: Operator) -> FloatArray:
        rows = np.asarray(kept, dtype=bool)
        keys = {(operator, row.tobytes()) for row in rows}
        self.n_read += sum(key not in self._known for key in keys)
        self._known.update(dict.fromkeys(keys, np.zeros(0)))
        found = np.zeros((len(rows), self.classifier.n_classes))
        found[:, 0] = self.rule(rows)
        return found


def play(
    method: Method,
    game: Game,
    options: Mapping[str, object] | None = None,
    target: Target = Target(0, None),  # noqa: B008 - frozen
) -> tuple[FloatArray, TokenScores]:
    """What a method says of each word of a game, and all it answers."""
    classifier = game.classifier
    reading = classifier.read(game.encoding.text)
    task = AttributionInput(
        classifier, reading, target, method.resolve_options(options), shared=game
    )
    split = method.run(task)
    return game.to_words(split.scores), split
