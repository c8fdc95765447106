"""A comparison as plain values that JSON can hold: all numbers, and what they are of."""

from viz.attribution.descriptions import explained_scalar
from viz.comparison.alignment import Edit
from viz.comparison.descriptions import head_summary
from viz.comparison.difference_maps import pick_difference
from viz.comparison.readings import ReadingComparison
from viz.comparison.word_comparison import WordChange
from viz.export.json_record import prediction_values, span_values
from viz.export.numbers import Values
from viz.figures.citation import text_hash
from viz.figures.comparison_kinds import ComparisonSpec
from viz.model.installation import version
from viz.types import Attribution, Reading


def comparison_values(compared: ReadingComparison) -> Values:
    """Class, words and heads side by side; a part that could not be compared is null.

    `refused` says why.
    """
    return {
        "clsight": version(),
        "first": _reading_values(compared.first),
        "second": _reading_values(compared.second),
        "aligned_by": compared.alignment.by,
        "classes": _class_values(compared),
        "words": _word_values(compared),
        "edits": [_edit_values(edit) for edit in compared.alignment.edits],
        "heads": _head_values(compared),
        "refused": dict(compared.refused),
    }


def spec_values(spec: ComparisonSpec) -> Values:
    """The same with what one figure shows: for the difference of a head, its map."""
    values = comparison_values(spec.comparison) | {
        "figure": spec.kind,
        "citation": spec.citation(),
    }
    if spec.kind == "difference":
        shown = pick_difference(spec.comparison.differences(), spec.layer, spec.head)
        second = spec.comparison.require_heads().counterpart(spec.layer, spec.head)
        values["difference"] = {
            "layer": spec.layer,
            "head": spec.head,
            "second_layer": second[0],
            "second_head": second[1],
            "queries": span_values(shown.spans),
            "keys": span_values(shown.keys),
            "weights": shown.weights[0, 0].tolist(),
        }
    return values


def _reading_values(reading: Reading) -> Values:
    encoding, prediction = reading.encoding, reading.prediction
    return {
        "checkpoint": reading.checkpoint,
        "fingerprint": reading.fingerprint,
        "without": [list(head) for head in reading.without],
        "text": encoding.text,
        "pair": encoding.pair,
        "text_hash": text_hash(encoding),
        "prediction": prediction_values(prediction) if prediction.labels else None,
        "notes": list(encoding.notes),
    }


def _class_values(compared: ReadingComparison) -> Values | None:
    classes = compared.classes
    if classes is None:
        return None
    return {
        "sentence": classes.sentence,
        "is_changed": classes.is_changed,
        "notes": list(classes.notes),
        "changes": [
            {"label": change.label, "first": change.first, "second": change.second}
            for change in classes.changes
        ],
    }


def _edit_values(edit: Edit) -> Values:
    return {
        "kind": edit.kind,
        "first": None if edit.first is None else span_values([edit.first])[0],
        "second": None if edit.second is None else span_values([edit.second])[0],
    }


def _word_values(compared: ReadingComparison) -> Values | None:
    words = compared.words
    if words is None:
        return None
    return {
        "method": words.method,
        "options": dict(words.first.options),
        "explained": explained_scalar(compared.first.prediction, words.first),
        "first": _attribution_values(words.first),
        "second": _attribution_values(words.second),
        "changes": [
            _change_values(raw, shown if words.has_shares else None)
            for raw, shown in zip(words.raw_changes, words.changes, strict=True)
        ],
    }


def _change_values(raw: WordChange, share: WordChange | None) -> Values:
    """What the method said of a word in both readings, and what it shares where words do."""
    values = {
        "label": raw.edit.label,
        "first": raw.first,
        "second": raw.second,
        "difference": raw.difference,
    }
    if share is None:
        return values
    return values | {
        "first_share": share.first,
        "second_share": share.second,
        "share_difference": share.difference,
    }


def _attribution_values(attribution: Attribution) -> Values:
    shares = attribution.shares
    return {
        "target_class": attribution.target_class,
        "against_class": attribution.against_class,
        "value": attribution.value,
        "bias": attribution.bias,
        "token_scores": attribution.scores.tolist(),
        "hidden": None if shares is None else shares.hidden,
        "hidden_by": None if shares is None else shares.operator,
        "token_shares": None if shares is None else shares.scores.tolist(),
        "notes": list(attribution.notes),
    }


def _head_values(compared: ReadingComparison) -> Values | None:
    heads = compared.heads
    if heads is None:
        return None
    return {
        "summary": head_summary(heads),
        "matching": heads.matching,
        "n_queries": heads.n_queries,
        "n_left_out": heads.n_left_out,
        "distances": heads.distances.tolist(),
        "counterparts": heads.counterparts.tolist(),
        "only_first": heads.only_first.tolist(),
        "only_second": heads.only_second.tolist(),
    }
