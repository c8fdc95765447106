"""Step 10: attention is not explanation, shown by the model itself."""

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.contribution import contribution
from viz.attribution.descriptions import amount, explained_scalar, outcome, percent
from viz.attribution.method import no_progress
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.mechanism.lesson.attended_word import attended_word
from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.hard_look import EMPTY, HARD, hard_looks
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import Picture, TokenPicture, ValuePicture
from viz.mechanism.lesson.replaced_heads import (
    MOVED_WEIGHT,
    N_SHUFFLES,
    SMALL_CHANGE,
    NoEffectError,
    passes,
    replace_heads,
)
from viz.mechanism.lesson.subject import LessonSubject
from viz.types import Attention, Prediction

Shown = tuple[tuple[Claim, ...], tuple[Picture, ...]]
"""Claims, and the pictures that show them."""
TESTS = ("hard_look", "attended_word", "replaced")
"""The claims that speak against attention as an explanation, as far as they hold."""

OTHER_PASSES = 20
"""About how many passes contributions and the attribution take."""


def explanation(subject: LessonSubject, progress: ProgressCallback = no_progress) -> LessonStep:
    """An empty hard look, a map replaced without notice, and the word looked at most."""
    if subject.cell is None:
        return LessonStep("explanation", (), missing=subject.no_cell)
    what = outcome(subject.reading.prediction)
    parts = [_hard_look(subject), _attended_word(subject), _replaced(subject, progress)]
    claims = tuple(claim for own, _ in parts for claim in own)
    verdicts = [claim.holds for claim in claims if claim.key in TESTS]
    holding, computed = verdicts.count(True), len(verdicts) - verdicts.count(None)
    return LessonStep(
        "explanation",
        (
            "question",
            "result" if computed else "no_result",
            "moral" if holding else "no_moral",
            "formula",
        ),
        {"n_holding": holding, "n_computed": computed, "outcome": what},
        claims,
        tuple(picture for _, pictures in parts for picture in pictures),
    )


def explanation_passes(subject: LessonSubject) -> int:
    """About how many passes the step takes."""
    if not isinstance(subject.reading.attention, Attention):
        return 1
    return passes(subject.reading) + OTHER_PASSES


def _hard_look(subject: LessonSubject) -> Shown:
    """A head that looks hard at a token whose contribution to the class is nothing."""
    reading, what = subject.reading, outcome(subject.reading.prediction)
    try:
        shares = contribution(subject.classifier, reading)
    except MethodError:
        return (not_computed("hard_look", "not_linear", outcome=what),), ()
    looks = hard_looks(reading, shares)
    if looks is None:
        return (not_computed("hard_look", "nothing_hard", outcome=what),), ()
    shown = looks.shown
    values: dict[str, Value] = {
        "outcome": what,
        "layer": shown.layer,
        "head": shown.head,
        "query": subject.token(shown.query),
        "query_position": shown.query,
        "key": subject.token(shown.key),
        "key_position": shown.key,
        "weight": shown.weight,
        "contribution": shown.contribution,
        "scalar": explained_scalar(reading.prediction, shares),
        "value": shares.value,
        "average": shown.average,
        "average_weight": shown.average_weight,
        "n_hard": looks.n_hard,
        "n_empty": looks.n_empty,
        "hard_limit": HARD,
        "limit": EMPTY,
    }
    row = (shown.layer, shown.head, shown.query)
    pictures = (
        TokenPicture("hard_look_weights", reading.attention.weights[row], claim="hard_look"),
        TokenPicture("hard_look_contributions", shares.values[row], signed=True, claim="hard_look"),
    )
    return (Claim("hard_look", shown.empty, values),), pictures


def _attended_word(subject: LessonSubject) -> Shown:
    """The word looked at most is another one than the word that speaks most for the class."""
    what = outcome(subject.reading.prediction)
    try:
        words = attended_word(subject.classifier, subject.reading)
    except MethodError:
        return (not_computed("attended_word", "no_rows", outcome=what),), ()
    if words is None:
        return (not_computed("attended_word", "one_word", outcome=what),), ()
    values: dict[str, Value] = {
        "outcome": what,
        "attended": words.attended.label,
        "strongest": words.strongest.label,
        "method": words.method,
        "correlation": words.correlation,
    }
    pictures = (
        TokenPicture("attended_word_attention", words.attention, claim="attended_word"),
        TokenPicture("attended_word_scores", words.scores, signed=True, claim="attended_word"),
    )
    return (Claim("attended_word", not words.same, values),), pictures


def _replaced(subject: LessonSubject, progress: ProgressCallback) -> Shown:
    """A map that is replaced by uniform attention without changing the class."""
    reading, prediction = subject.reading, subject.reading.prediction
    what = "classes" if prediction.multi_label else outcome(prediction)
    refusal = "one_token" if reading.attention.n_tokens == 1 else ""
    try:
        replaced = None if refusal else replace_heads(subject.classifier, reading, progress)
    except NoEffectError:
        replaced, refusal = None, "no_effect"
    except MethodError:
        replaced, refusal = None, "not_replaceable"
    if replaced is None:
        keys = ("replaced", "each_head", "all_heads")
        return tuple(not_computed(key, refusal, outcome=what) for key in keys), ()
    layer, head = replaced.layer, replaced.head
    moved, change = float(replaced.moved[layer, head]), float(replaced.changes[layer, head])
    n_layers, n_heads = replaced.changes.shape
    values: dict[str, Value] = {
        "outcome": what,
        "unit": what,
        "layer": layer,
        "head": head,
        "moved": moved,
        "change": abs(change),
        "moved_limit": MOVED_WEIGHT,
        "limit": SMALL_CHANGE,
        "n_heads": n_layers * n_heads,
        "n_same": int(replaced.same.sum()),
        "n_unnoticed": int(replaced.unnoticed.sum()),
        "n_layers": n_layers,
        "n_layers_same": int(replaced.same_layers.sum()),
        "n_shuffles": N_SHUFFLES,
        "n_shuffles_same": replaced.n_shuffles_same,
        **_outcomes(prediction, replaced.outcome_all),
    }
    claims = (
        Claim("replaced", bool(moved >= MOVED_WEIGHT and replaced.unnoticed[layer, head]), values),
        Claim("each_head", bool(replaced.same.mean() > 0.5), values),
        Claim("all_heads", replaced.same_all, values),
    )
    picture = ValuePicture(
        "replaced",
        replaced.changes,
        [f"L{index}" for index in range(n_layers)],
        [f"H{index}" for index in range(n_heads)],
        claim="replaced",
    )
    return claims, (picture,)


def _outcomes(prediction: Prediction, evenly: FloatArray) -> dict[str, Value]:
    """What the model says, and what where no head looks at anything in particular, as written.

    Args:
        prediction: What it says.
        evenly: Probabilities, or the score, where all heads look evenly.  (C,)
    """
    if prediction.regression:
        before, after = amount(float(prediction.logits[0])), amount(float(evenly[0]))
        label = prediction.label
        return {"label": label, "before": before, "label_all": label, "after": after}
    chosen, likeliest = prediction.predicted_class, int(evenly.argmax())
    return {
        "label": prediction.label,
        "before": percent(float(prediction.probabilities[chosen])),
        "label_all": prediction.labels[likeliest],
        "after": percent(float(evenly[likeliest])),
    }
