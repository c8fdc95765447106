"""Step 1: words become wordpieces, and wordpieces become ids."""

from viz.attention.words import spans
from viz.mechanism.lesson.claim import Claim, Value
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import IdPicture
from viz.mechanism.lesson.subject import LessonSubject


def token_ids(subject: LessonSubject) -> LessonStep:
    """How many words, tokens and special tokens there are, and the id of each."""
    encoding, tokenizer = subject.reading.encoding, subject.classifier.tokenizer
    ids = [int(number) for number in encoding.inputs["input_ids"]]
    words = [span for span in spans(encoding) if not span.special]
    n_special = sum(token.special for token in encoding.tokens)
    labels = [span.label for span in subject.pieces]
    first = next(index for index, token in enumerate(encoding.tokens) if not token.special)
    values: dict[str, Value] = {
        "n_words": len(words),
        "n_tokens": len(ids),
        "n_special": n_special,
        "special": " ".join(label for label, token in zip(labels, encoding.tokens, strict=True)
                            if token.special),
        "n_vocabulary": len(tokenizer),
        "token": labels[first],
        "id": str(ids[first]),
    }  # fmt: skip
    split = [span for span in words if len(span.tokens) > 1]
    longest = max(split, key=lambda span: len(span.tokens), default=None)
    pieces: dict[str, Value] = {
        "n_split": len(split),
        "n_words": len(words),
        "word": "" if longest is None else longest.label,
        "pieces": "" if longest is None else " ".join(labels[index] for index in longest.tokens),
    }
    entries = tokenizer.convert_ids_to_tokens(ids)
    agreeing = sum(
        entry == token.text for entry, token in zip(entries, encoding.tokens, strict=True)
    )
    claims = (
        Claim("pieces", bool(split), pieces),
        Claim(
            "vocabulary_row",
            agreeing == len(ids),
            {
                "n_agreeing": agreeing,
                "n_tokens": len(ids),
                "token": labels[first],
                "id": str(ids[first]),
            },
        ),
    )
    return LessonStep(
        "words",
        ("tokens", "special" if n_special else "no_special", "ids"),
        values,
        claims,
        (IdPicture("ids", labels, ids),),
    )
