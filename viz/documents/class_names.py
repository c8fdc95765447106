"""Attributions of documents asked for by the names of classes, as people write them."""

from viz.attribution.class_names import ClassName, class_indices
from viz.attribution.method import no_progress
from viz.attribution.method_spec import MethodSpec
from viz.documents.attribute_document import attribute_document
from viz.documents.document import Document
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.types import Attribution


def attribute_document_by_name(
    classifier: Classifier,
    document: Document,
    method: str | None,
    *,
    target: ClassName | None,
    against: ClassName | None,
    progress: ProgressCallback = no_progress,
    shares: bool = True,
) -> Attribution:
    """Attribute a document, its classes given by name.

    Args:
        classifier: The classifier that read the document.
        document: What it read.
        method: A name in `METHODS`, options behind colons: `lime:rows=200`; None for the first one
            that classifier and text allow.
        target: The class to explain; the predicted one where None.
        against: The class it is compared with, `runner-up`, or `none` or None for the plain logit.
        progress: As for `attribute_document`.
        shares: Likewise.

    Raises:
        MethodError: as `attribute_document` does.
        SelectionError: if there is no such class, or it is compared with itself.
    """
    classes = class_indices(document.prediction, target, against)
    if method is None:
        return attribute_document(
            classifier, document, None, *classes, progress=progress, shares=shares
        )
    spec = MethodSpec.parse(method, classifier=classifier)
    return attribute_document(
        classifier,
        document,
        spec.method,
        *classes,
        options=spec.options,
        progress=progress,
        shares=shares,
    )
