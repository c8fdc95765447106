"""Texts that nobody should send, and everything a reader does with one."""

import json
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator

import numpy as np

from viz import Classifier, Reading, attribute
from viz.attention import views, words
from viz.attention.statistics import head_statistics
from viz.attribution.contribution import contribution
from viz.export.formats import render
from viz.export.report import record, report
from viz.figures.plots import score_bars
from viz.figures.spec import FigureSpec
from viz.model.perturbation import Perturbation
from viz.widgets.arcs import payload as arcs
from viz.widgets.atlas import payload as atlas
from viz.widgets.bars import payload as bars
from viz.widgets.colored_text import payload as colored_text
from viz.widgets.heatmap import payload as heatmap

WORDS = (
    *("oil", "prices", "rise", "as", "stocks", "fall", "the", "market", "team", "wins", "game"),
    *("election", "peace", "talks"),
)
BLANKS = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
CLASSES: dict[str, list[str]] = {}
for _code in [*range(0x3000), *range(0x4E00, 0x5000), *range(0xD700, 0x10000, 3)]:
    CLASSES.setdefault(unicodedata.category(chr(_code)), []).append(chr(_code))
for _code in range(0x1F000, 0x20000, 5):
    CLASSES.setdefault(unicodedata.category(chr(_code)), []).append(chr(_code))

MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</style><svg/onload=1>",
    "&lt;b&gt;", "{{7*7}}", "{% raw %}", "${jndi:ldap://x}", "%s%n%x", "$(id)", "`id`",
    "[x](javascript:alert(1))", "**bold**", "$x^2$", ":material/error:", ":red[x]", "<!--", "]]>",
    "'; DROP TABLE texts; --", "=1+1", "@SUM(A1)", "\\u0000", "\\", "\"", "'", "\x1b[31m",
)  # fmt: skip
SPECIAL = ("[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "<mask>", "<s>", "##ing", "##")
CONTROL = tuple(map(chr, (*range(32), *range(127, 160))))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
JOINED = ("👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "1️⃣", "❤️", "🤷🏾‍♂️")

Kind = Callable[[random.Random], str]


def _words(draw: random.Random, most: int) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(1, most)))


def _of_class(draw: random.Random) -> str:
    own = CLASSES[draw.choice(sorted(CLASSES))]
    return "".join(draw.choices(own, k=draw.randint(1, 60)))


def _mixed(draw: random.Random, parts: tuple[str, ...]) -> str:
    own = [*draw.choices(parts, k=draw.randint(1, 12)), *draw.choices(WORDS, k=draw.randint(0, 8))]
    draw.shuffle(own)
    return draw.choice(["", " ", "\n", "\t"]).join(own)


KINDS: dict[str, Kind] = {
    "one class of Unicode": _of_class,
    "all classes of Unicode": lambda draw: "".join(_of_class(draw) for _ in range(6)),
    "any code points": lambda draw: "".join(
        chr(draw.randrange(sys.maxunicode + 1)) for _ in range(draw.randint(1, 80))
    ),
    "lone surrogates": lambda draw: _mixed(
        draw, tuple(chr(draw.randrange(0xD800, 0xE000)) for _ in range(8))
    ),
    "control characters": lambda draw: _mixed(
        draw, tuple(map(chr, [*range(32), *range(127, 160)]))
    ),
    "blanks": lambda draw: "".join(draw.choices(BLANKS, k=draw.randint(0, 50))),
    "words": lambda draw: _words(draw, 60),
    "a few hundred words": lambda draw: _words(draw, 600),
    "markup": lambda draw: _mixed(draw, MARKUP),
    "special tokens": lambda draw: _mixed(draw, SPECIAL),
    "two directions": lambda draw: _mixed(draw, (*BIDI, "שלום", "مرحبا", "oil")),
    "floods of accents": lambda draw: (
        draw.choice(["e", "oil", "你", "🙂"])
        + "".join(chr(draw.randrange(0x300, 0x370)) for _ in range(draw.randint(1, 400)))
    ),
    "joined emoji": lambda draw: _mixed(draw, JOINED),
    "very long words": lambda draw: (
        draw.choice(["a", "ab", "ß", "你", "🙂", "é", "-"]) * draw.randint(90, 3_000)
    ),
    "punctuation": lambda draw: "".join(draw.choices(".,!?'\"-<>…—“”¿()[]{}", k=200)),
    "other scripts": lambda draw: _mixed(draw, ("你好世界", "ありがとう", "안녕", "Ελλάδα", "ไทย")),
}
"""How a text of each kind is drawn."""


def hostile_texts(count: int, seed: int = 0) -> Iterator[tuple[str, str, str | None]]:
    """Kind, text and, now and then, a second text; every 500th has up to 20,000 words."""
    draw = random.Random(seed)
    kinds = list(KINDS)
    for index in range(count):
        kind = kinds[index % len(kinds)]
        text, pair = KINDS[kind](draw), None
        if index % 500 == 499:
            kind = "up to 20,000 words"
            text = " ".join(draw.choices(WORDS, k=1 + index * 2 % 20_000))
        elif kind != "blanks" and draw.random() < 0.6:
            text = f"oil {text} prices"  # where everything is unknown nothing is read
        if index % 7 == 0:
            pair = KINDS[draw.choice(kinds)](draw)
        yield kind, text, pair


def see_all(
    classifier: Classifier, text: str, pair: str | None, *, drawn: bool, method: str
) -> None:
    """Read, explain and view a text in every way that the page, the files and a terminal do.

    Args:
        classifier: Reads it.
        text: The text.
        pair: The second one.
        drawn: Whether figures are drawn too, which takes a while.
        method: What explains it.

    Raises:
        VizError: where the text can't be read; whatever else is raised is a fault.
    """
    reading = classifier.read(text, pair)
    found = attribute(classifier, reading, method)
    over = words.spans(reading.encoding)
    scores = words.merge(found.scores, over)
    _check_pieces(reading)
    sent: list[object] = [
        colored_text.payload(reading.encoding, over, scores, signed=True),
        bars.payload(reading.prediction),
        record(reading, found),
    ]
    "\n".join(report(reading, found)).encode("utf-8")
    for unit, special in (("word", True), ("wordpiece", False)):
        view = views.view(reading.encoding, reading.attention.weights, unit=unit, special=special)  # type: ignore[arg-type]
        if not view.spans:
            continue
        one = views.pick(view, -1, None)
        sent.append(heatmap.payload(one, title="L0", note=heatmap.row_note(one, "all")))
        layer = views.pick_layer(view, 0)
        names = [f"H{head}" for head in range(classifier.n_heads)]
        sent.append(arcs.payload(layer, names=names, selected=[0], title="L0"))
    facts = head_statistics(reading.encoding, reading.attention.weights)
    sent.append(atlas.payload(views.view(reading.encoding, reading.attention.weights), facts))
    json.dumps(sent, allow_nan=False).encode("utf-8")
    if drawn:
        _draw(classifier, reading, method)


def _check_pieces(reading: Reading) -> None:
    """All of a text is shown: words, gaps and what wasn't read together are the text itself."""
    encoding = reading.encoding
    over = words.spans(encoding)
    for part, own in enumerate(colored_text.segments(encoding, over, np.zeros(len(over)), None)):
        written = "".join(segment.text for segment in own if segment.kind != "special")
        assert written == encoding.part_text(part)


def _draw(classifier: Classifier, reading: Reading, method: str) -> None:
    found, over = attribute(classifier, reading, method), words.spans(reading.encoding)
    score_bars.score_bars(words.merge(found.scores, over), over, signed=True).to_json()
    Perturbation(classifier, reading.encoding).logits(
        np.zeros((1, sum(not span.special for span in over)), dtype=bool), "delete"
    )
    specs = [
        FigureSpec(reading, "attribution", attribution=found),
        FigureSpec(reading, "head", layer=0, head=0),
        FigureSpec(reading, "head", layer=0, contribution=contribution(classifier, reading)),
    ]
    for spec in specs:
        for format in ("svg", "html", "csv", "json"):
            render(spec, format)
