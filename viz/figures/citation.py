"""What a figure is cited by: which checkpoint, which text, what is shown, made by what."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from viz.attention.heads import heads_off
from viz.attribution import find_method
from viz.attribution.descriptions import Explained, explained_scalar
from viz.figures.spec import FigureSpec
from viz.model.installation import version
from viz.types import Attribution, Encoding, Reading

SHOWN_HASH_DIGITS = 12
"""Of a hash, in a caption."""


@dataclass(frozen=True, slots=True)
class Citation:
    """The facts that a figure's caption states and its numbers carry along."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the checkpoint's weight files."""
    text_hash: str
    """SHA-256 of the text, see `text_hash`."""
    shows: str
    """What the numbers are: attention weights, contributions, or the scores of a method."""
    explains: str | None
    """The explained scalar, for what depends on a class."""
    settings: tuple[str, ...]
    version: str

    def sentence(self) -> str:
        """One line of small print; hashes are cut to `SHOWN_HASH_DIGITS` digits."""
        parts = [
            self.shows + (f": {self.explains}" if self.explains else ""),
            *self.settings,
            f"checkpoint {self.checkpoint} ({self.fingerprint[:SHOWN_HASH_DIGITS] or 'no hash'})",
            f"text {self.text_hash[:SHOWN_HASH_DIGITS]}",
            f"CLSight {self.version}",
        ]
        return " · ".join(parts)


def citation(spec: FigureSpec) -> Citation:
    """The citation of a figure."""
    explanation = spec.attribution if spec.shows == "scores" else spec.contribution
    return reading_citation(
        spec.reading,
        _shows(spec.reading, explanation),
        explains=_explains(spec, explanation),
        settings=_settings(spec),
    )


def reading_citation(
    reading: Reading, shows: str, *, explains: str | None = None, settings: Sequence[str] = ()
) -> Citation:
    """The citation of anything that is shown of a reading.

    Heads that were off are a setting, and so are the windows of a document.
    """
    off = [heads_off(reading.without)] if reading.without else []
    return Citation(
        checkpoint=reading.checkpoint,
        fingerprint=reading.fingerprint,
        text_hash=text_hash(reading.encoding),
        shows=shows,
        explains=explains,
        settings=(*settings, *off, *_windows(reading)),
        version=version(),
    )


def _windows(reading: Reading) -> Iterator[str]:
    part = reading.document
    if part is not None:
        which = "windows" if part.index is None else f"window {part.index} of a longer text"
        settings = part.settings
        yield f"{which}, at most {settings.size:,} tokens, stride {settings.stride:,}"
        yield f"cut at {settings.cut}"
        if part.index is None:
            yield f"{part.settings.pooling} of logits"


def text_hash(encoding: Encoding) -> str:
    """SHA-256 of the text in UTF-8; of a pair, of both with a zero byte between them."""
    texts = [encoding.text, *([] if encoding.pair is None else [encoding.pair])]
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _shows(reading: Reading, explanation: Explained | None) -> str:
    if isinstance(explanation, Attribution):
        return find_method(explanation.method).label_of(reading)
    return "attention weights" if explanation is None else "contribution of each attention weight"


def _explains(spec: FigureSpec, explanation: Explained | None) -> str | None:
    if explanation is None or (
        isinstance(explanation, Attribution) and not find_method(explanation.method).class_specific
    ):
        return None
    return explained_scalar(spec.reading.prediction, explanation)


def _settings(spec: FigureSpec) -> list[str]:
    settings = [f"{spec.unit}s"]
    if spec.shows == "scores":
        options = spec.attribution.options if spec.attribution else {}
        return [*settings, *(f"{name} {value}" for name, value in options.items())]
    if spec.shows != "model":
        settings.insert(0, spec.place)
    if not spec.special:
        settings.append("special tokens removed")
    if spec.quadrant != "all":
        settings.append(f"only {spec.quadrant}")
    if spec.region is not None:
        settings.extend(spec.region.names)
    return settings
