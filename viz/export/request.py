"""What is asked of a reading, before there is one: it makes the figures of any text."""

from collections.abc import Sequence
from dataclasses import dataclass

from viz.attention.region import Region
from viz.attention.views import Quadrant
from viz.attention.words import Unit
from viz.attribution.class_names import ClassName, attribute_by_name, class_indices
from viz.attribution.long_contribution import contribution_of
from viz.documents.class_names import attribute_document_by_name
from viz.documents.document import Document
from viz.errors import MissingAttentionError
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec, Measure
from viz.model.classifier import Classifier
from viz.types import Attribution, MissingAttention, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRequest:
    """Which figures to make, and of what; classes by their names, or their indices."""

    kinds: Sequence[str]
    """Names in `FIGURE_KINDS`."""
    layer: int | None = None
    """None for the last one."""
    head: int | None = None
    """None for the mean over heads."""
    unit: Unit = "word"
    special: bool = True
    quadrant: Quadrant = "all"
    region: Region | None = None
    measure: Measure = "weights"
    method: str | None = None
    """None for the first one that classifier and text allow."""
    target: ClassName | None = None
    """None for the predicted class."""
    against: ClassName | None = "runner-up"
    """None, or `none`, for the plain logit."""

    def specs(self, classifier: Classifier, source: Reading | Document) -> list[FigureSpec]:
        """One figure of each kind; of a network without maps, of those kinds that need none.

        So of a document, of which each window has maps of its own.

        Raises:
            SelectionError: where the model has no such layer, head or class, or the text no pair.
            MethodError: where the architecture doesn't allow the method.
            MissingAttentionError: where nothing but maps is asked for, and there are none.
        """
        reading = source.pooled_reading if isinstance(source, Document) else source
        kinds = [FIGURE_KINDS[name] for name in self.kinds]
        if isinstance(reading.attention, MissingAttention):
            kinds = [kind for kind in kinds if not kind.needs_maps]
            if not kinds:
                raise MissingAttentionError(reading.attention.reason)
        needs_maps = any(kind.needs_maps for kind in kinds)
        classes = class_indices(reading.prediction, self.target, self.against)
        parts = {
            "layer": reading.attention.n_layers - 1
            if self.layer is None and needs_maps
            else self.layer,
            "head": self.head,
            "special": self.special,
            "quadrant": self.quadrant,
            "region": self.region,
            "contribution": contribution_of(classifier, reading, *classes)
            if self.measure == "contribution" and needs_maps
            else None,
            "attribution": None
            if all(kind.needs_maps for kind in kinds)
            else self._attribution(classifier, source),
        }
        return [FigureSpec.of(reading, kind.name, unit=self.unit, **parts) for kind in kinds]

    def _attribution(self, classifier: Classifier, source: Reading | Document) -> Attribution:
        if isinstance(source, Document):
            return attribute_document_by_name(
                classifier, source, self.method, target=self.target, against=self.against
            )
        return attribute_by_name(
            classifier, source, self.method, target=self.target, against=self.against
        )
