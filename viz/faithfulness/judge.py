"""A judge for which hidden words are ordinary: orders measured by the probabilities of a twin.

Hidden words put a text outside of what a classifier was trained on, so that its probability may
fall because the text is odd, and not because a word is missing.  A twin was trained on texts with
hidden words.  It measures the orders that methods made for the original: their word scores, the
random orders and the explained class stay as they are, and only who is asked is another one.
Source: viz/faithfulness/README.md 2; Madsen et al. 2024; Zheng et al. 2025 (F-Fidelity).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from finetune.data.tables.messages import listed
from finetune.errors import quoted
from viz.attribution.aopc import aopc
from viz.errors import SelectionError, TextError
from viz.faithfulness.compare import Comparison
from viz.faithfulness.limits import Limits
from viz.faithfulness.metrics import measure_orders
from viz.faithfulness.orders import random_orders, word_order
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation
from viz.model.row_windows import row_encodings, settings_of_rows
from viz.model.run_record import run_record
from viz.model.text_files import Row
from viz.types import Encoding, Inputs

ROWS_AT_ONCE = 1_000
"""Rows whose tokens are compared at once, so that memory is bounded."""


class Judge:
    """A twin that measures the orders of another classifier.

    Args:
        original: The classifier that is explained.
        twin: The classifier by whose probabilities its orders are measured too.  Rows that are too
            long it reads as the original does, whatever its checkpoint says of windows.

    Raises:
        SelectionError: where the two don't tell the same classes from the same tokens.
    """

    def __init__(self, original: Classifier, twin: Classifier) -> None:
        self.original = original
        self.twin = twin = twin.with_windows(original.encoder.window_settings)
        who = f"The judge {quoted(twin.name)}"
        if (original.regression, original.multi_label) != (twin.regression, twin.multi_label):
            raise SelectionError(
                f"{who} has another kind of head than {quoted(original.name)}: a score, one class "
                "or several classes are predicted; name a twin that was trained on the same data."
            )
        if original.labels != twin.labels:
            raise SelectionError(
                f"{who} has the classes {listed(twin.labels)}, and {quoted(original.name)} has "
                f"{listed(original.labels)}; name a twin with the same ones in the same order."
            )
        one, other = original.tokenizer, twin.tokenizer
        if one.get_vocab() != other.get_vocab() or one.mask_token_id != other.mask_token_id:
            raise SelectionError(
                f"{who} has another vocabulary than {quoted(original.name)}; name a twin that was "
                "trained from the same base."
            )

    @property
    def masking(self) -> bool | None:
        """Whether the twin was trained with hidden words; None where no record says so."""
        record = run_record(self.twin)
        return None if record is None else bool(record.settings.get("masking"))

    def require_same_tokens(self, rows: Sequence[Row]) -> None:
        """Refuse a file of texts that the two read as other tokens, before anything slow begins.

        Those that the original reads in several windows, which are not judged, are passed over.

        Raises:
            SelectionError: for the first such row.
        """
        pairs = any(row.pair is not None for row in rows)
        windows = settings_of_rows(self.original, pairs=pairs)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            seconds = [row.pair or "" for row in some] if pairs else None
            own, other = (
                classifier.encoder.encode_rows([row.text for row in some], seconds)
                for classifier in (self.original, self.twin)
            )
            for row, one, two in zip(some, own, other, strict=True):
                if one is None or (one.n_unseen and windows and windows.pooling != "first"):
                    continue
                if one.n_unseen and windows:
                    first = row_encodings(self.original, row.text, row.pair).encoding
                    same = self._read_by_twin(first) is not None
                else:
                    same = two is not None and _are_equal(one.inputs, two.inputs)
                if not same:
                    raise self._other_tokens(f"Row {row.number}")

    def measure(self, comparison: Comparison, versions: Perturbation, seed: int = 0) -> Comparison:
        """The same methods on the same text, their orders measured by the twin.

        Agreement with occlusion and polarity, which are no measures of orders, are left out.  The
        limits are those of the orders that were found on the original.

        Args:
            comparison: What the original says of the text.
            versions: The same text as the twin reads it.
            seed: What *comparison* was made with.
        """
        n_random = len(next(iter(comparison.random.values())))
        orders = [*random_orders(comparison.n_words, n_random, seed)]
        orders += [word_order(r.scores, seed) for r in comparison.rows if r.scores is not None]
        target = comparison.target
        values = {
            operator: measure_orders(versions, target, orders, operator)
            for operator in comparison.random
        }
        numbers = iter(range(n_random, len(orders)))  # of the rows that have scores
        rows = []
        for row in comparison.rows:
            if row.scores is not None:
                number = next(numbers)
                measures = {operator: each[number] for operator, each in values.items()}
                row = replace(row, measures=measures, tau_occlusion=None, polarity=None)
            rows.append(row)

        def limits_of(limits: Limits, operator: Operator) -> Limits:
            orders = limits.worst_order, limits.best_order
            worst, best = (aopc(versions, target.target_class, order, operator) for order in orders)
            return replace(limits, worst=worst, best=best)

        return Comparison(
            tuple(rows),
            {operator: each[:n_random] for operator, each in values.items()},
            target,
            comparison.n_words,
            {operator: limits_of(each, operator) for operator, each in comparison.limits.items()},
        )

    def versions(self, encoding: Encoding) -> Perturbation:
        """The versions of a text as the twin reads them.

        Args:
            encoding: The text as the original reads it: all of it, cut, or the first window of a
                row of which nothing else is read.

        Raises:
            SelectionError: where it reads the text as other tokens.
        """
        inputs = self._read_by_twin(encoding)
        if inputs is None:
            raise self._other_tokens("A text")
        # With the words of the original, however the tokenizer of the twin would put them together.
        return Perturbation(self.twin, replace(encoding, inputs=inputs))

    def _read_by_twin(self, encoding: Encoding) -> Inputs | None:
        """The inputs of the twin with the same tokens; None where it has none."""
        text, pair = encoding.text, encoding.pair
        with suppress(TextError):
            own = self.twin.encode(text, pair)
            if own.n_unseen and not _are_equal(own.inputs, encoding.inputs):
                own = row_encodings(self.twin, text, pair).windows[0]
            if _are_equal(own.inputs, encoding.inputs):
                return own.inputs
        return None

    def predicted_class(self, versions: Perturbation) -> int:
        """The class that the twin predicts for a whole text."""
        whole = np.ones((1, versions.n_words), dtype=bool)
        return int(versions.logits(whole, versions.operators[0])[0].argmax())

    def _other_tokens(self, what: str) -> SelectionError:
        limits = [f"{each.encoder.max_tokens:,}" for each in (self.twin, self.original)]
        return SelectionError(
            f"{what} is other tokens to the judge {quoted(self.twin.name)} than to "
            f"{quoted(self.original.name)} ({limits[0]} and {limits[1]} are read at most); name a "
            "twin that was trained from the same base with the same --max-length."
        )


def _are_equal(one: Inputs, other: Inputs) -> bool:
    """Whether two inputs are the same tokens."""
    return np.array_equal(one["input_ids"], other["input_ids"])
