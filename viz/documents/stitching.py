"""The explained scalar of a document as a sum over its windows, and their scores put together.

Pooled logits are sums of the windows' logits times fixed weights, so that a margin of two of them,
or one alone, is a sum of scalars, one for each window:

    S = sum over windows i, classes c of  slope_c * weight_ic * logit_ic  + rest

with slope 1 for the class, -1 for the one it is compared with, and no rest.  Against all others
together, S is the pooled logit minus the logsumexp of the others, which isn't linear in the logits.
Then the slopes are those of S where it is, 1 and minus the softmax among the others, and `rest` is
minus the entropy of that softmax, in which no window has a part.
Source: viz/documents/README.md.
"""

from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution import Target, TokenScores
from viz.attribution.target import slopes
from viz.documents.document import Document
from viz.errors import MethodError

TOLERANCE = 1e-3
"""Largest gap between scores with bias and the explained scalar, of a scalar up to 1, before we
refuse to show them; in proportion to a larger one."""
MOST_NOTES = 3
"""Windows whose own notes are told."""


@dataclass(frozen=True, slots=True)
class WindowPart:
    """What one window says of the explained scalar: a weight times a scalar of its logits."""

    window: int
    target: Target
    weight: float


def window_parts(
    document: Document, target: Target, *, class_specific: bool = True
) -> list[WindowPart]:
    """The explained scalar of a document as a sum over windows, without those that have no part.

    Args:
        document: What was read.
        target: The explained scalar of the pooled logits.
        class_specific: Whether the target matters; else there is one part for each window that the
            scalar depends on, and their weights add up to 1.
    """
    at_pooled = slopes(target, document.prediction.logits)
    parts = list[WindowPart]()
    for window, weights in enumerate(document.pooling_weights):
        if (weights == 1).all():  # this window alone
            parts.append(WindowPart(window, target, 1.0))
        elif not class_specific:
            sizes = np.abs(at_pooled)
            parts.append(WindowPart(window, target, float(sizes @ weights / sizes.sum())))
        elif target.against_all:
            largest = float(weights.max())
            own = tuple((at_pooled * weights / (largest or 1)).tolist())
            parts.append(WindowPart(window, Target(target.target_class, None, True, own), largest))
        else:
            parts += _plain_parts(window, target, weights)
    return [part for part in parts if part.weight]


def _plain_parts(window: int, target: Target, weights: FloatArray) -> list[WindowPart]:
    """Of a logit, or of one minus another: in one piece where both count alike."""
    own, other = float(weights[target.target_class]), target.against_class
    if other is None or weights[other] == own:
        return [WindowPart(window, target, own)]
    return [
        WindowPart(window, Target(target.target_class, None), own),
        WindowPart(window, Target(other, None), -float(weights[other])),
    ]


class StitchedScores:
    """Scores of windows, added up over the tokens of the whole text.

    Args:
        document: Whose windows are explained.
        signed: Whether scores have a sign, so that a negative weight turns it round.
    """

    def __init__(self, document: Document, *, signed: bool) -> None:
        self._document = document
        self._signed = signed
        self._scores = np.zeros(document.encoding.n_tokens)
        self._squares: FloatArray | None = None
        self._biases = list[float | None]()
        self._measured = dict[str, float]()
        self._notes = dict[int, tuple[str, ...]]()

    def add(self, part: WindowPart, result: TokenScores) -> None:
        """Add what a method says of one part."""
        weight = part.weight if self._signed else abs(part.weight)
        positions = list(self._document.windows[part.window].positions)
        self._scores[positions] += weight * np.asarray(result.scores, dtype=np.float64)
        if result.errors is not None:
            if self._squares is None:
                self._squares = np.zeros_like(self._scores)
            self._squares[positions] += np.square(weight * np.asarray(result.errors))
        self._biases.append(None if result.bias is None else weight * result.bias)
        for name, number in result.measured.items():
            self._measure(name, number, weight)
        if result.notes:
            self._notes[part.window] = self._notes.get(part.window, ()) + result.notes

    def _measure(self, name: str, number: float, weight: float) -> None:
        before = self._measured.get(name)
        if name == "rows":  # passes
            self._measured[name] = number + (before or 0)
        elif name == "baseline_value":  # of the explained scalar
            self._measured[name] = weight * number + (before or 0)
        else:  # how well it went: as in the worst window
            self._measured[name] = number if before is None else max(before, number)

    def result(self, label: str, value: float, rest: float) -> TokenScores:
        """Scores of the whole text.

        Args:
            label: The method's.
            value: The explained scalar of the document.
            rest: What no window has a part in.

        Raises:
            MethodError: where scores and bias do not add up to the explained scalar.
        """
        known = [bias for bias in self._biases if bias is not None]
        bias = rest + sum(known) if len(known) == len(self._biases) else None
        measured = self._measured | {"windows": float(len(self._document.windows))}
        if "baseline_value" in measured:
            measured["baseline_value"] += rest
        if bias is not None:
            gap = abs(float(self._scores.sum()) + bias - value)
            if not gap <= TOLERANCE * max(1.0, abs(value)):
                raise MethodError(
                    f"The scores of the windows by {label} are {gap:.2g} away from the explained "
                    f"{value:.4g}, so they are not shown; choose another method."
                )
            measured["gap"] = gap
        return TokenScores(
            self._scores,
            bias,
            None if self._squares is None else np.sqrt(self._squares),
            measured,
            (*self._how_stitched(label, exact=bias is not None), *self._own_notes()),
        )

    def _how_stitched(self, label: str, *, exact: bool) -> tuple[str, ...]:
        n_windows = len(self._document.windows)
        if n_windows == 1:
            return ()
        explained = f"Each of {n_windows:,} windows was explained on its own"
        if not self._signed:
            return (
                f"{explained}; scores by {label} have no sign, and a token has the mean over all "
                "windows, each weighted as it counts in the explained scalar.",
            )
        ending = "" if exact else f", which {label} does not split, so they need not add up to it"
        return (
            f"{explained}; what a token does in several windows is added up, weighted as it counts "
            f"in the explained scalar{ending}.",
        )

    def _own_notes(self) -> tuple[str, ...]:
        notes = [f"Window {window}: {note}" for window, own in self._notes.items() for note in own]
        more = len(notes) - MOST_NOTES
        return tuple(notes[:MOST_NOTES]) + (
            (f"{more:,} more notes on other windows are left out.",) if more > 0 else ()
        )
