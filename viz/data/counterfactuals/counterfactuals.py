"""The smallest edits of a text that change its class, each verified by reading the text again.

Source: viz/data/README.md 2.6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.run.json_files import Count, Items, Share
from viz.attribution.method import no_progress
from viz.data.counterfactuals.edit_search import Edits, EditSearch, SearchResult
from viz.data.counterfactuals.edited_versions import EditedVersions
from viz.data.counterfactuals.replacements import data_vocabulary, replacement_candidates
from viz.data.counterfactuals.text_edits import EditedText
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.errors import SelectionError, TextError
from viz.jobs.background import ProgressCallback
from viz.model.batches import operations
from viz.model.classifier import Classifier
from viz.model.masked_language_model import MaskedLanguageModel
from viz.model.row_windows import row_encodings

EditKind = Literal["mask", "delete", "replace"]

MAX_SETS = 600
"""Sets of edits of one kind that are tried of a text, where nobody says otherwise."""
MIN_SETS = 100
MIN_DOCUMENT_SETS = 30
"""Of a text that is read in several windows, each of which a set takes a pass of."""
MAX_OPERATIONS = 4e12
"""Floating-point operations that the sets of one kind may take, about a minute and a half on two
cores: of a long text, or by a large model, fewer sets are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What happens to one word."""

    word: Count
    """Its index among the words of the text."""
    written: str
    """The word as it stands there."""
    replacement: str | None
    """What stands there instead; None where it is hidden or deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """A set of edits that flips the decision."""

    kind: EditKind
    edits: Items[Edit]
    """In reading order."""
    text: str
    """The text after the edits, as it was read again."""
    pair: str | None = None
    """The second text after the edits."""
    label: str
    """The class it then has; all of them for a multi-label head."""
    probability: Share
    """Of that class; for a multi-label head, of the least sure change of a class."""
    smallest: bool
    """Whether no smaller set of such edits flips it: all were tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounterfactuals:
    """What flips one row."""

    row: Count
    label: str
    """The class that it has as it stands; all of them for a multi-label head."""
    probability: Share
    """Of that class; for a multi-label head, of the least sure one."""
    items: Items[Counterfactual]
    """At most one of each kind, the fewest edits first."""
    notes: Items[str] = ()
    """Why there is none of a kind, and where a smaller one may have been missed."""


def find_counterfactuals(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    row: int,
    progress: ProgressCallback = no_progress,
    *,
    vocabulary: Sequence[str] | None = None,
    masked_model: MaskedLanguageModel | None = None,
    max_sets: int | None = None,
) -> RowCounterfactuals | Missing:
    """Search for the smallest edits that flip a row.

    Args:
        classifier: What reads it.
        rows: All rows.
        predictions: What the classifier says of them.
        row: Counted from 0 over all rows.
        progress: Called with the texts read since the last call; what it raises ends the work.
        vocabulary: Words to put in the place of others; None for `data_vocabulary`, which who
            flips several rows computes once.
        masked_model: A language model that proposes more of them.
        max_sets: How many sets of edits of each kind may be tried; by default as many as a page
            can wait for, `max_affordable_sets`.

    Raises:
        CheckpointError: if the model fails on an edited text.
        SelectionError: if there is no such row.
    """
    if not 0 <= row < len(rows):
        raise SelectionError(f"There is no row {row:,}; the rows are 0 to {len(rows) - 1:,}.")
    if classifier.regression:
        return Missing(missing="A regression gives a score, not a class that an edit could flip.")
    try:
        pair = rows.pairs[row] if rows.pairs else None
        encodings = row_encodings(classifier, rows.texts[row], pair)
    except TextError as error:
        return Missing(missing=str(error))
    if vocabulary is None:
        vocabulary = data_vocabulary(classifier, rows, predictions)
    versions = EditedVersions(classifier, encodings, progress)
    n_windows = len(encodings.windows)
    if max_sets is None:
        n_tokens = max(window.n_tokens for window in encodings.windows)
        max_sets = max_affordable_sets(classifier, n_tokens)
    if n_windows > 1:  # each set is read in all of them
        max_sets = max(MIN_DOCUMENT_SETS, max_sets // n_windows)
    items: list[Counterfactual] = []
    notes: list[str] = []
    for search in (
        _KindSearch("mask", versions, _hidings(versions)),
        _KindSearch("delete", versions, _deletions(versions)),
        _KindSearch("replace", versions, _replacements(versions, vocabulary, masked_model)),
    ):
        item, own_notes = search.run(max_sets)
        items += [] if item is None else [item]
        notes += own_notes
    if encodings.encoding.n_unseen:
        notes.append(
            "The model never saw all of this text: where words are deleted, others move up into "
            "what it reads."
        )
    return RowCounterfactuals(
        row=row,
        label=versions.decision.label(classifier.labels),
        probability=versions.probability,
        items=tuple(sorted(items, key=lambda item: len(item.edits))),
        notes=tuple(notes),
    )


def max_affordable_sets(classifier: Classifier, n_tokens: int) -> int:
    """How many sets of edits of one kind a reader can wait for."""
    affordable = int(MAX_OPERATIONS / operations(classifier, n_tokens))
    return min(MAX_SETS, max(MIN_SETS, affordable))


def _hidings(versions: EditedVersions) -> list[Edit]:
    if versions.classifier.tokenizer.mask_token_id is None:
        return []
    return _deletions(versions)


def _deletions(versions: EditedVersions) -> list[Edit]:
    editable = versions.editable
    return [
        Edit(word=word, written=editable.written(word), replacement=None)
        for word in range(len(editable.words))
    ]


def _replacements(
    versions: EditedVersions,
    vocabulary: Sequence[str],
    masked_model: MaskedLanguageModel | None,
) -> list[Edit]:
    if not vocabulary and masked_model is None:
        return []
    candidates = replacement_candidates(
        versions.editable,
        vocabulary=vocabulary,
        masked_model=masked_model,
        first_order=versions.first_order(hidden=True),
        progress=versions.progress,
    )
    return [
        Edit(word=word, written=versions.editable.written(word), replacement=candidate)
        for word, own in enumerate(candidates)
        for candidate in own
    ]


_VERBS: dict[EditKind, str] = {"mask": "Hiding", "delete": "Deleting", "replace": "Replacing"}
_NO_EDITS: dict[EditKind, str] = {
    "mask": "The tokenizer of this checkpoint has no mask token, so no word can be hidden.",
    "delete": "There is no word to delete.",
    "replace": "No words were given that could stand in the place of others.",
}


@dataclass(frozen=True, slots=True)
class _KindSearch:
    """The search over sets of edits of one kind."""

    kind: EditKind
    versions: EditedVersions
    edits: Sequence[Edit]

    def run(self, max_sets: int) -> tuple[Counterfactual | None, list[str]]:
        """The smallest set that flips the decision, and what a reader must know of the search."""
        if not self.edits:
            return None, [_NO_EDITS[self.kind]]
        result = EditSearch(
            [edit.word for edit in self.edits],
            lambda sets: self.versions.read([self.text(edits) for edits in sets]),
            lambda edits: self.versions.flips_alone(self.text(edits)),
            max_sets,
            self.priority() if len(self.edits) > max_sets else None,
        ).run()
        counterfactual = None if result.edits is None else self.counterfactual(result)
        return counterfactual, list(self.notes(result))

    def text(self, edits: Edits) -> EditedText:
        """The text after edits; a word is hidden by as many mask tokens as it has tokens."""
        editable, mask = self.versions.editable, self.versions.classifier.tokenizer.mask_token
        replacements = {}
        for edit in (self.edits[number] for number in edits):
            hidden = str(mask) * len(editable.words[edit.word].tokens)
            replacements[edit.word] = hidden if self.kind == "mask" else edit.replacement
        return editable.edit(replacements)

    def priority(self) -> FloatArray | None:
        """What each edit would gain, by a first-order estimate.  (m,)"""
        first_order = self.versions.first_order(hidden=False)
        if first_order is None:
            return None
        if self.kind != "replace":
            return first_order.deletion_gains()
        gains = [
            first_order.replacement_gains(edit.word, [edit.replacement or ""])
            for edit in self.edits
        ]
        return np.concatenate(gains)

    def counterfactual(self, result: SearchResult) -> Counterfactual:
        """The record of a set that flips, as it is read by itself."""
        edits = result.edits or ()
        text = self.text(edits)
        outcome = self.versions.alone(text)
        if outcome is None:
            raise ValueError("a text that was read can't be read again")
        decision, probability = outcome
        return Counterfactual(
            kind=self.kind,
            edits=tuple(sorted((self.edits[i] for i in edits), key=lambda edit: edit.word)),
            text=text.text,
            pair=text.pair,
            label=decision.label(self.versions.classifier.labels),
            probability=probability,
            smallest=result.smallest,
        )

    def notes(self, result: SearchResult) -> Iterator[str]:
        """What wasn't found, and what wasn't tried."""
        verb = _VERBS[self.kind]
        words = "1 word" if result.n_exhausted == 1 else f"up to {result.n_exhausted} words"
        every = (
            f"every set of {words} was tried" if result.n_exhausted else "not every word was tried"
        )
        if result.edits is None:
            yield f"{verb} words was not seen to change the class: {every}" + (
                f", and {result.n_sets:,} sets in all." if result.counts else "."
            )
        elif not result.smallest:
            yield f"{verb} fewer words may change the class too: {every}, larger sets in part."
