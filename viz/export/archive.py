"""Everything of a reading in one ZIP, with a README.txt that says what is in it.

The same figures make the same bytes: no time of day goes into it.  One file is made and packed
after the other, so that no more than one is held beside the ZIP itself.
"""

import textwrap
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from viz.attention.heads import heads_off
from viz.attention.long_attention import LongAttention
from viz.attribution.descriptions import verdict
from viz.errors import LongTextError, SelectionError
from viz.export.filenames import file_name
from viz.export.formats import FORMATS, render
from viz.figures.citation import citation
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.types import MissingAttention, Reading

README = "README.txt"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first day that a ZIP can name."""
LINE_CHARS = 100


@dataclass(slots=True)
class _Contents:
    """What went into a ZIP so far, and what did not."""

    lines: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def archive(
    specs: Sequence[FigureSpec],
    formats: Sequence[str],
    options: RenderOptions | None = None,
) -> bytes:
    """Every figure in every format, as the content of a ZIP.

    What a format can't hold is left out and listed in the README.txt with its reason.

    Args:
        specs: What is shown, all of one reading.
        formats: Names in `FORMATS`.
        options: How pictures are drawn.

    Raises:
        LongTextError: where a text is too long for a file of everything.
    """
    attention = specs[0].reading.attention
    if isinstance(attention, LongAttention):
        n_weights = attention.n_layers * attention.n_heads * attention.n_tokens**2
        raise LongTextError(
            f"All weights of {attention.n_tokens:,} tokens in {attention.n_layers} × "
            f"{attention.n_heads} heads, {n_weights:,} of them, are too many for one ZIP; save one "
            "figure, or a region of it."
        )
    contents, target = _Contents(), BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for spec in specs:
            contents.lines.append(f"\n{citation(spec).sentence()}")
            for format in dict.fromkeys(formats):
                _pack(packed, contents, spec, format, options)
        readme = "\n".join((*_paragraphs(specs[0].reading, contents), ""))
        _add(packed, README, readme.encode(), stored=False)
    return target.getvalue()


def _pack(
    packed: zipfile.ZipFile,
    contents: _Contents,
    spec: FigureSpec,
    format: str,
    options: RenderOptions | None,
) -> None:
    name = file_name(spec, format)
    try:
        content = render(spec, format, options)
    except SelectionError as refusal:
        contents.refused.append(f"{name}: {refusal}")
        return
    _add(packed, name, content, stored=FORMATS[format].is_compressed)
    contents.lines.append(f"  {name}  ({FORMATS[format].label})")


def _add(packed: zipfile.ZipFile, name: str, content: bytes, *, stored: bool) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    packed.writestr(info, content, compresslevel=None if stored else 4)


def _paragraphs(reading: Reading, contents: _Contents) -> Iterator[str]:
    yield "What the classifier looked at in one text, made by CLSight."
    yield f"\nCheckpoint {reading.checkpoint}, SHA-256 of its weights {reading.fingerprint}."
    prediction = reading.prediction
    has_one_word = prediction.labels and not prediction.regression
    result = prediction.label if has_one_word else " ".join(verdict(prediction))
    yield f"It says {result}."
    if reading.without:
        yield _wrapped(f"It was read with {heads_off(reading.without)}.")
    for note in reading.encoding.notes:
        yield _wrapped(note)
    yield "\nWHAT IS IN HERE\nEach block begins with the citation for its files."
    yield from contents.lines
    attention = reading.attention
    missing = [attention.reason] if isinstance(attention, MissingAttention) else []
    if refused := [*missing, *contents.refused]:
        yield "\nWHAT WAS LEFT OUT"
        yield from (_wrapped(line) for line in refused)
    yield (
        "\nHOW TO CHECK IT\n"
        "clsight replay THIS.zip\n"
        "reads the text again with the same checkpoint and compares every number of every JSON in "
        "here.\nAttention says where a head looks, not why a class was chosen."
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, LINE_CHARS, subsequent_indent="  ", break_long_words=False)
