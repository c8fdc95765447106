"""Step 9: the deciding token, the classifier, logits, temperature and the class."""

import math

from finetune.checkpoint.temperature import probabilities
from viz.attention import deciding_token
from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ClassPicture
from viz.mechanism.lesson.subject import LessonSubject


def decision(subject: LessonSubject) -> LessonStep:
    """From the last state of the deciding token to the class."""
    reading = subject.reading
    prediction, temperature = reading.prediction, subject.classifier.temperature
    at = reading.deciding_token
    values: dict[str, Value] = {
        "label": prediction.label,
        "logit": float(prediction.logits[prediction.predicted_class]),
        "deciding": deciding_token.name_of(reading),
    }
    sentences = ["one_token" if at is not None else "no_single_token"]
    if subject.equation("pooled", stage="classifier") is not None:
        sentences.append("pooler")
    if prediction.regression:
        sentences.append("score")
    elif prediction.multi_label:
        sentences.append("sigmoid")
        values |= {
            "probability": float(prediction.probabilities[prediction.predicted_class]),
            "n_assigned": len(prediction.assigned_classes),
            "n_classes": len(prediction.labels),
        }
    else:
        sentences.append("softmax")
        values |= _against_runner_up(subject)
        if temperature is not None:
            sentences.append("temperature")
            values["temperature"] = temperature
    equations = subject.equations(
        "pooled", "logits", "scaled logits", "probabilities", stage="classifier", ndim=1
    )
    return LessonStep(
        "class",
        tuple(sentences),
        values,
        (_reads_one_token(subject), _keeps_class(subject)),
        (ClassPicture("classes"),),
        equations,
        "" if equations else "no_equations",
    )


def _against_runner_up(subject: LessonSubject) -> dict[str, Value]:
    """The predicted class and the next one: their logits, and how many times as probable it is."""
    prediction = subject.reading.prediction
    chosen = prediction.predicted_class
    other = prediction.runner_up(chosen)
    assert other is not None  # a softmax is taken of two classes or more
    difference = float(prediction.logits[chosen]) - float(prediction.logits[other])
    divided = difference / (subject.classifier.temperature or 1.0)
    return {
        "probability": float(prediction.probabilities[chosen]),
        "other": prediction.labels[other],
        "other_logit": float(prediction.logits[other]),
        "difference": difference,
        "times": math.exp(min(divided, 700.0)),
    }


def _reads_one_token(subject: LessonSubject) -> Claim:
    """Whether the class is read from one token alone."""
    pooling = subject.reading.pooling
    if pooling is None:
        return not_computed("reads_one_token", "unknown_pooling")
    return Claim(
        "reads_one_token",
        subject.reading.deciding_token is not None,
        {
            "deciding": deciding_token.name_of(subject.reading),
            "n_read": int((pooling > 0).sum()),
            "n_tokens": len(pooling),
        },
    )


def _keeps_class(subject: LessonSubject) -> Claim:
    """Whether the temperature changes how sure the model is, and not what it says."""
    prediction, temperature = subject.reading.prediction, subject.classifier.temperature
    if prediction.regression or temperature is None:
        return not_computed("temperature", "no_temperature")
    plain = probabilities(prediction.logits, multi_label=prediction.multi_label)
    chosen = prediction.predicted_class
    return Claim(
        "temperature",
        int(prediction.probabilities.argmax()) == int(plain.argmax()),
        {
            "temperature": temperature,
            "label": prediction.label,
            "before": float(plain[chosen]),
            "after": float(prediction.probabilities[chosen]),
        },
    )
