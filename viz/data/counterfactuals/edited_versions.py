"""The edited versions of one text, each read once: how far each is from another decision."""

from collections.abc import Sequence

import numpy as np

from viz.attribution.method import no_progress
from viz.data.counterfactuals.decisions import Decision
from viz.data.counterfactuals.edit_search import Edited
from viz.data.counterfactuals.first_order_edits import FirstOrderEdits
from viz.data.counterfactuals.text_edits import EditableText, EditedText
from viz.data.rows.row_predictions import predict
from viz.errors import TextError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.row_windows import RowEncodings, row_encodings, row_logits


class EditedVersions:
    """What a classifier makes of a text after edits; a version is a text, and read as one.

    Args:
        classifier: What reads them.
        row: The text as it stands.
        progress: Called with the texts read since the last call; what it raises ends the work.
    """

    def __init__(
        self,
        classifier: Classifier,
        row: RowEncodings,
        progress: ProgressCallback = no_progress,
    ) -> None:
        self.classifier = classifier
        self.row = row
        self.editable = EditableText(row.encoding)
        self.progress = progress
        logits = row_logits(classifier, row)
        progress(1)
        self.decision = Decision.of(classifier, logits)
        self.probability = self.decision.probability(classifier.probabilities(logits))
        self.n_read = 1
        """How many texts were read."""
        self._known: dict[EditedText, Edited] = {}
        self._alone: dict[EditedText, tuple[Decision, float] | None] = {}

    def first_order(self, *, hidden: bool) -> FirstOrderEdits | None:
        """What edits would gain by a first-order estimate; None where there is no gradient.

        Args:
            hidden: Whether it is taken where the word is hidden, which costs more.
        """
        return FirstOrderEdits.of(
            self.classifier,
            self.editable,
            self.decision,
            row=self.row,
            hidden=hidden,
            progress=self.progress,
        )

    def read(self, texts: Sequence[EditedText]) -> list[Edited]:
        """What became of each version.

        Raises:
            CheckpointError: if the model fails on one.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            outcome = predict(
                self.classifier,
                [each.text for each in new],
                None if self.editable.encoding.pair is None else [each.pair or "" for each in new],
                progress=self.progress,
            )
            self.n_read += int(outcome.read.sum())
            margins = self.decision.margins(outcome.logits)
            margins[~outcome.read] = -np.inf
            flips = self.decision.flips(outcome.logits) & outcome.read
            for row, text in enumerate(new):
                decision = Decision.of(self.classifier, outcome.logits[row])
                self._known[text] = Edited(
                    bool(flips[row]),
                    margins[row],
                    decision.probability(outcome.probabilities[row], self.decision),
                )
        return [self._known[text] for text in texts]

    def alone(self, text: EditedText) -> tuple[Decision, float] | None:
        """The decision for a version that is encoded and read by itself, and how sure it is.

        None where nothing of it can be read.
        """
        if text not in self._alone:
            self._alone[text] = self._read_alone(text)
        return self._alone[text]

    def _read_alone(self, text: EditedText) -> tuple[Decision, float] | None:
        try:
            row = row_encodings(self.classifier, text.text, text.pair)
        except TextError:
            return None
        logits = row_logits(self.classifier, row)
        self.n_read += 1
        self.progress(1)
        decision = Decision.of(self.classifier, logits)
        probabilities = self.classifier.probabilities(logits)
        return decision, decision.probability(probabilities, self.decision)

    def flips_alone(self, text: EditedText) -> bool:
        """Whether the decision is another one for a version that is read by itself."""
        outcome = self.alone(text)
        return outcome is not None and bool((outcome[0].assigned != self.decision.assigned).any())
