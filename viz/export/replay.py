"""Are these still the numbers?  A saved record, computed again from its text and compared.

Parts that are words or counts must be equal.  Of numbers, attention weights, what was removed from
them and probabilities may differ by `TOLERANCE`; logits, contributions, scores, value and bias,
which have no natural scale, by `TOLERANCE` times the largest of them, or times 1 where that is
less.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viz.attention.region import Region
from viz.attribution import attribute
from viz.attribution.long_contribution import contribution_of
from viz.documents.attribute_document import attribute_document
from viz.documents.document import Document
from viz.documents.read_document import read_document
from viz.documents.window_text import window_reading
from viz.errors import CheckpointError, RecordError
from viz.export.json_reader import SavedRecord, shortened
from viz.export.json_record import figure_record
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.spec import FigureSpec
from viz.model.classifier import Classifier
from viz.runs.checkpoint_folders import checkpoint_folders
from viz.types import Reading

TOLERANCE = 1e-6

RATIOS = frozenset({"share_factors"})
"""Numbers that are measured by the largest of themselves."""
UNSCALED = frozenset({"probabilities", "weights", "removed"})
"""Shares of 1; `removed` of a contribution is measured as the contribution."""
SCALED = frozenset(
    {
        *("logits", "contribution", "scores", "token_scores", "token_errors", "value", "bias"),
        *("hidden", "shares"),
    }
)

OPTIONAL = frozenset({"impossible", "hidden", "hidden_by", "shares", "share_factors"})
"""Parts that files lack which were saved before there were such parts."""

Numbers = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of one part of a record."""

    name: str
    agrees: bool
    finding: str
    """What was compared, with the largest difference, or what differs."""


class Checkpoints:
    """The classifiers that records were made by, each loaded once.

    Args:
        source: A folder or Hub id; where None, those that the Read page offers are looked through
            by name.
    """

    def __init__(self, source: str | None = None) -> None:
        self.source = source
        self._loaded: dict[tuple[str, bool], Classifier] = {}

    def of(self, saved: SavedRecord) -> Classifier:
        """The classifier whose weights made a record.

        Raises:
            RecordError: where there is none with these weights.
            CheckpointError: where it can't be loaded.
        """
        folders = (folder for folder in checkpoint_folders() if folder.name == saved.checkpoint)
        places = [*map(str, folders)] if self.source is None else [self.source]
        if not places:
            raise RecordError(
                f"There is no checkpoint {saved.checkpoint!r} in assets/, in checkpoints/ or among "
                "the runs; name its folder with --checkpoint."
            )
        classifiers, errors = [], []
        base = saved.values["prediction"].get("labels") == []
        for place in places:
            try:
                classifiers.append(self._load(place, base=base))
            except CheckpointError as error:  # another of the same name may be the one
                errors.append(error)
        for classifier in classifiers:
            if classifier.fingerprint == saved.fingerprint:
                return classifier
        if not classifiers:
            raise errors[0]
        raise RecordError(
            f"{saved.name!r} was made with weights {saved.fingerprint[:12] or '(not recorded)'}, "
            f"but {classifiers[0].name!r} here has {classifiers[0].fingerprint[:12]}; name the "
            "checkpoint that made it with --checkpoint."
        )

    def _load(self, place: str, *, base: bool) -> Classifier:
        if (place, base) not in self._loaded:
            self._loaded[place, base] = Classifier.load(place, base=base)
        return self._loaded[place, base]


def replay(saved: SavedRecord, classifier: Classifier) -> list[PartResult]:
    """Compute a record again and compare every part of it.

    Raises:
        RecordError: where a part is missing, or holds what is not a number.
        SelectionError: where the model has no such layer, head, class or region.
        MethodError: where heads were off, and those of this model can't be turned off.
        TextError: where the text can't be read.
    """
    computed = figure_record(_spec(saved, classifier))
    _check_parts(saved, computed)
    return list(_compared(saved.values, computed, saved.name))


def _spec(saved: SavedRecord, classifier: Classifier) -> FigureSpec:
    """The figure that a record describes, computed again."""
    request, windows = saved.request, saved.values.get("windows")
    classes = (request["target_class"], request["against_class"])
    explained = FIGURE_KINDS[request["kind"]].shows == "scores"
    attribution = None
    if windows is not None and windows["index"] is None:
        document = _document(saved.values, classifier)
        reading = document.pooled_reading
        if explained:
            attribution = attribute_document(
                classifier, document, request["method"], *classes, options=request["options"]
            )
    else:
        reading = _reading(saved.values, classifier)
        if explained:
            attribution = attribute(
                classifier, reading, request["method"], *classes, options=request["options"]
            )
    spec = FigureSpec(
        reading,
        request["kind"],
        attribution=attribution,
        region=_region(request),
        **{name: request[name] for name in ("layer", "head", "unit", "special", "quadrant")},
    )
    if request["measure"] == "weights":
        return spec
    return replace(spec, contribution=contribution_of(classifier, reading, *classes))


def _reading(values: Mapping[str, Any], classifier: Classifier) -> Reading:
    """The text of a record, read at once or, as one window of a document, in windows."""
    windows = values.get("windows")
    if windows is None:
        return classifier.read(values["text"], values["pair"], without=_heads(values))
    document = _document(values, classifier)
    if values["text"] == document.text:
        return document.reading(classifier, windows["index"])
    return window_reading(classifier, document, windows["index"])


def _document(values: Mapping[str, Any], classifier: Classifier) -> Document:
    windows = values["windows"]
    return read_document(
        classifier.without(_heads(values)),
        windows.get("text", values["text"]),
        **{name: windows[name] for name in ("stride", "pooling", "cut", "size")},
    )


def _region(request: Mapping[str, Any]) -> Region | None:
    ranges = request.get("region")
    if ranges is None:
        return None
    return Region(*(ranges[side] and tuple(ranges[side]) for side in ("rows", "columns")))


def _check_parts(saved: SavedRecord, computed: Mapping[str, Any]) -> None:
    for section in ("citation", "request", "prediction", "numbers"):
        there, needed = (values[section].keys() - OPTIONAL for values in (saved.values, computed))
        if there != needed:
            what = "lacks" if needed - there else "has an unknown"
            part = min(needed - there or there - needed)
            raise RecordError(
                f"{saved.name!r} {what} {part!r} in its {section!r}; export it again."
            )


def _compared(
    saved: Mapping[str, Any], computed: Mapping[str, Any], name: str
) -> Iterator[PartResult]:
    # Another version may have made the same numbers; its sentence ends with its own number.
    version, citation = saved["citation"]["version"], computed["citation"]
    sentence = citation["sentence"].removesuffix(citation["version"]) + version
    as_cited = {**citation, "version": version, "sentence": sentence}
    yield _same("text", saved["citation"]["text_hash"], citation["text_hash"])
    yield _same("request", saved["request"], computed["request"])
    yield _same("citation", saved["citation"], _as_before(saved, as_cited, computed))
    yield _same("tokens", saved["tokens"], computed["tokens"])
    yield from _pooling(saved.get("pooling", 0), computed.get("pooling", 0), name)
    if _heads(saved):
        yield _same("without", [*map(list, _heads(saved))], computed.get("without", []))
    if "windows" in saved:
        yield _same("windows", saved["windows"], computed.get("windows"))
    for section in ("prediction", "numbers"):
        for part, old in saved[section].items():
            value = computed[section].get(part)
            if part in UNSCALED | SCALED | RATIOS and value is not None:
                allowed = TOLERANCE * _scale(part, computed[section])
                yield _near(part, _numbers(old, part, name), np.asarray(value), allowed)
            else:
                yield _same(part, old, value)


def _as_before(
    saved: Mapping[str, Any], citation: Mapping[str, Any], computed: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The citation in the words of CLSight 0.2, which called every first token [CLS]."""
    shows, first = citation["shows"], computed["tokens"][0]["text"]
    before = shows.removesuffix(first) + "[CLS]"
    if shows == before or not shows.endswith(first) or saved["citation"]["shows"] != before:
        return citation
    sentence = before + citation["sentence"].removeprefix(shows)
    return {**citation, "shows": before, "sentence": sentence}


def _heads(saved: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The heads that were off."""
    heads: list[tuple[int, int]] = saved.get("without", [])
    return heads


def _pooling(old: object, new: object, name: str) -> Iterator[PartResult]:
    """Where the class is read from; nothing to say of the first token."""
    if isinstance(old, list) and isinstance(new, list):
        yield _near("pooling", _numbers(old, "pooling", name), np.asarray(new), TOLERANCE)
    elif (old, new) != (0, 0):
        yield _same("pooling", old, new)


def _scale(name: str, section: Mapping[str, Any]) -> float:
    """What the allowed difference is measured by."""
    if name in UNSCALED and "contribution" not in section:
        return 1.0
    if name in RATIOS:
        return float(np.abs(section[name]).max())
    largest = (
        np.abs(value).max(initial=0)
        for other, value in section.items()
        if other in SCALED and value is not None
    )
    return float(max(1.0, *largest))


def _numbers(values: object, part: str, name: str) -> Numbers:
    """A part of the record *name* as an array, whatever shape it has."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError) as error:  # rows of different lengths
        raise RecordError(
            f"The {part!r} of {name!r} have lost numbers: rows differ in length; export it again."
        ) from error
    if array.size and (array.dtype.kind not in "if" or not np.isfinite(array).all()):
        raise RecordError(
            f"The {part!r} of {name!r} contain something that is not a number; export it again."
        )
    return array.astype(np.float64)


def _same(name: str, old: object, new: object) -> PartResult:
    """Words, counts and places have to be equal."""
    if type(old) is type(new) and old == new:
        return PartResult(name, True, f"{len(new)} equal" if isinstance(new, list) else "equal")
    return PartResult(name, False, _first_difference(old, new))


def _first_difference(old: object, new: object) -> str:
    """Where two values part, as deep as they are built alike."""
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{len(old)} saved, {len(new)} computed"
        pairs = [(str(index), *pair) for index, pair in enumerate(zip(old, new, strict=True))]
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        pairs = [(key, old[key], new[key]) for key in new]
    else:
        return f"{shortened(old)} saved, {shortened(new)} computed"
    where, *values = next(pair for pair in pairs if pair[1] != pair[2])
    return f"{where}: {_first_difference(*values)}"


def _near(name: str, old: Numbers, new: Numbers, allowed: float) -> PartResult:
    """Numbers may differ by what is allowed."""
    if old.shape != new.shape:
        return PartResult(name, False, f"shape {old.shape} saved, {new.shape} computed")
    if not new.size:
        return PartResult(name, True, "no numbers")
    differences = np.abs(old - new)
    largest = float(differences.max())
    finding = f"{new.size:,} numbers, largest difference {largest:.1e}"
    if largest <= allowed:
        return PartResult(name, True, finding)
    place = np.unravel_index(int(differences.argmax()), differences.shape)
    where = f"at {[int(index) for index in place]}: " if place else ""
    return PartResult(
        name,
        False,
        f"{finding}, {allowed:.1e} allowed; "
        f"{where}{old[place]:.9g} saved, {new[place]:.9g} computed",
    )
