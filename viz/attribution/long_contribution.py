"""Contributions of a long text: what each weight adds to the class, computed where it is looked at.

The same numbers as `viz.attribution.contribution`, of which there would be too many to keep.
Source: viz/attribution/README.md 2.4.
"""

from dataclasses import dataclass, field

from viz.attention.long_attention import LongAttention
from viz.attention.long_view import LongView, long_view
from viz.attention.views import Quadrant
from viz.attention.words import Unit
from viz.attribution import reader_of
from viz.attribution.contribution import contribution
from viz.attribution.head_slopes import HeadSlopes, WeightedSlopes
from viz.attribution.linear_pass import linear_pass
from viz.attribution.method import no_progress
from viz.attribution.target import Against, resolve_target
from viz.errors import LongTextError
from viz.jobs.background import ProgressCallback
from viz.jobs.layer_progress import layer_progress
from viz.model.classifier import Classifier
from viz.types import Contribution, Reading


@dataclass(frozen=True, eq=False)
class LongContribution:
    """What attention weights of a long text add to the explained scalar, each when looked at."""

    source: WeightedSlopes
    """A source of maps, as that of `LongAttention`, with signed values."""
    value: float
    """The explained scalar."""
    target_class: int
    against_class: int | None
    """The class the target is compared with; None where the plain logit is explained."""
    reading: Reading = field(repr=False)
    """What was explained."""
    _views: dict[tuple[Unit, bool, Quadrant], LongView] = field(default_factory=dict, repr=False)

    def view(
        self, *, unit: Unit = "word", special: bool = True, quadrant: Quadrant = "all"
    ) -> LongView:
        """The maps over words or tokens; the same object, with what it knows, each time.

        Raises:
            SelectionError: where nothing is left to show.
        """
        key = unit, special, quadrant
        if key not in self._views:
            self._views[key] = long_view(
                self.reading.encoding, self.source, unit=unit, special=special, quadrant=quadrant
            )
        return self._views[key]


def contribution_of(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
) -> Contribution | LongContribution:
    """The contributions of a reading: all of them, or of a long text each when it is looked at.

    Arguments and errors as for `contribution` and `long_contribution`.
    """
    is_long = isinstance(reading.attention, LongAttention)
    measure = long_contribution if is_long else contribution
    return measure(classifier, reading, target_class, against)


def long_contribution(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    progress: ProgressCallback = no_progress,
) -> LongContribution:
    """Learn what it takes to compute any contribution; costs about three forward passes.

    Args:
        classifier: The classifier that made the reading.
        reading: Of a long text: its attention is a `LongAttention`.
        target_class: The class to explain; the predicted one where None.
        against: The class it is compared with, as for `attribute`.
        progress: Called layer by layer with the passes done, two in all.

    Raises:
        MethodError: if the network isn't linear where attention is held fixed.
        LongTextError: for a reading whose weights are all kept.
        SelectionError: for a class that doesn't exist, or a reading of another classifier.
    """
    classifier = reader_of(classifier, reading)
    attention = reading.attention
    if not isinstance(attention, LongAttention):
        raise LongTextError(
            f"All weights of these {reading.encoding.n_tokens:,} tokens are kept; take "
            "contribution(classifier, reading)."
        )
    target = resolve_target(reading.prediction, target_class, against)
    recorder = HeadSlopes("input", range(attention.n_layers), freeze=True)
    with layer_progress(progress):
        linear = linear_pass(
            classifier, [reading.encoding.inputs], recorder, reading.prediction.logits[None]
        )
        linear.split_gradients(target.value)
    return LongContribution(
        recorder.maps(attention.source),
        value=float(target.value(reading.prediction.logits)),
        target_class=target.target_class,
        against_class=target.against_class,
        reading=reading,
    )
