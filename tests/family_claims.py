"""What is claimed of a classifier of any family, each claim against plain transformers.

A claim returns where it holds, raises a `VizError` where it is refused in a sentence, and an
`AssertionError` where it is wrong.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from tests.families import LONG_TEXT
from tests.family_oracle import PlainModel, changed_head_outputs, zeros_for
from viz import Classifier, Reading, attribute
from viz.attribution.contribution import contribution
from viz.attribution.head_importance import ablate, gate_gradients
from viz.attribution.linear_pass import linear_pass, require_linear
from viz.attribution.target import Target
from viz.errors import TextError, VizError
from viz.export.formats import render
from viz.export.json_reader import parse
from viz.export.replay import replay
from viz.export.request import FigureRequest
from viz.model.head_gates import HeadGates, open_gates
from viz.model.recording import Recorder
from viz.types import Attention, Attribution, MissingAttention

SHORT_TEXT = "oil prices rise"
SCRIPTS = ("你好世界 good 新闻", "good 😀 movie 👍🏽")
MAP_TOLERANCE = 1e-5
PADDING_TOLERANCE = 1e-4
MIXED_WITH_HEADS = frozenset({"convbert", "nystromformer"})
"""Families that put a convolution of the text beside or into the outputs of heads, so that zeros in
the place of what their output projection is given are not heads without attention."""
GATED_HEADS = frozenset({"axk2"})
"""Families that multiply a head's output by a gate that reads the text too: of a product of two
factors that depend on the text, each takes half."""
ROUTED_BIASES = frozenset({"gpt_oss"})
"""Families whose experts have biases: which of them are added is held as the routing is."""


class Subject:
    """One folder, opened by CLSight and by plain transformers."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.folder = folder
        self.classifier = Classifier.load(folder, dtype=dtype, device="cpu")
        self._plain = PlainModel(folder, dtype)

    @property
    def plain(self) -> PlainModel:
        """The plain model as the folder has it."""
        if self._plain.changes_itself:
            return PlainModel(self.folder, self._plain.model.dtype)
        return self._plain

    @cached_property
    def reading(self) -> Reading:
        """The reading of a text that windows cut."""
        return self.classifier.read(LONG_TEXT)

    @property
    def parts_tolerance(self) -> float:
        """How far parts may be from the whole, relative to their sizes."""
        return 1e-10 if self.classifier.model.dtype == torch.float64 else 1e-4


def logits_are_plain(subject: Subject) -> None:
    """The classes are those of the plain model, for a short and a long text."""
    for text in (LONG_TEXT, SHORT_TEXT):
        inputs = subject.plain.inputs(text)
        reading = subject.classifier.read(text)
        ids = reading.encoding.inputs["input_ids"]
        np.testing.assert_array_equal(ids, inputs["input_ids"][0])
        expected = subject.plain.logits(inputs).numpy()
        _near(reading.prediction.logits, expected, MAP_TOLERANCE)


def maps_are_eager(subject: Subject) -> None:
    """Each map is one that the plain model hands out; what is impossible has no weight there."""
    attention = subject.reading.attention
    maps = subject.plain.maps(subject.plain.inputs(LONG_TEXT))
    if isinstance(attention, MissingAttention):
        assert re.fullmatch(r"[A-Z].+\.", attention.reason), attention.reason
        more = re.search(r"(\d+) times in (\d+) layers", attention.reason)
        hidden = more is not None and int(more[1]) > int(more[2]) == subject.classifier.n_layers
        assert hidden or not maps_of_layers(subject, maps), f"has maps: {attention.reason}"
        return
    assert maps, "no map of the plain model to compare with"
    fitting = [stack for stack in maps if tuple(stack.shape) == attention.weights.shape]
    assert fitting, f"{attention.weights.shape} is not {[tuple(stack.shape) for stack in maps]}"
    gaps = [float(np.abs(attention.weights - stack.numpy()).max()) for stack in fitting]
    assert min(gaps) < MAP_TOLERANCE, f"maps differ by {min(gaps):.2g}"
    possible = fitting[int(np.argmin(gaps))].sum(1).numpy() > 0
    impossible = attention.impossible
    marked = np.zeros_like(possible) if impossible is None else impossible
    assert (marked == ~possible).all(), f"{(marked != ~possible).sum()} impossible pairs differ"


def maps_of_layers(subject: Subject, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Those that are one for each layer that is shown: of an encoder, where there is a decoder."""
    return [stack for stack in maps if len(stack) == subject.classifier.n_layers]


def deciding_rows_are_plain(subject: Subject) -> None:
    """The last states that the class is read from are those that move it."""
    rows = subject.plain.deciding_rows(subject.plain.inputs(SHORT_TEXT))
    pooling = subject.classifier.read(SHORT_TEXT).pooling
    if rows is None:
        return
    if pooling is None:
        reads = subject.classifier.capabilities.reads
        assert reads in (None, "several"), reads
        assert reads is None or len(rows) > 1, f"only {rows} decide"
        return
    assert np.flatnonzero(pooling).tolist() == rows, f"{pooling} for {rows}"


def parts_add_up(subject: Subject) -> None:
    """Tokens and bias of the decomposition sum to the margin of the logits."""
    found = attribute(subject.classifier, subject.reading, "decomposition")
    logits = subject.plain.logits(subject.plain.inputs(LONG_TEXT)).numpy()
    value = float(logits[found.target_class] - logits[found.against_class])
    size = parts_add_up_to(found, subject.parts_tolerance)
    # Families compute parts in float32, whatever the rest is computed in.
    assert abs(value - found.value) <= 1e-5 * size, f"{found.value} explained for {value}"
    assert float(np.abs(found.scores).max()) > 0


def parts_add_up_to(found: Attribution, tolerance: float) -> float:
    """That scores and bias sum to the explained value; the size of all parts together."""
    assert found.bias is not None
    size = float(np.abs(found.scores).sum()) + abs(found.bias) + abs(found.value)
    gap = abs(float(found.scores.sum(dtype=np.float64)) + found.bias - found.value)
    assert gap <= tolerance * size, f"gap {gap / size:.2g}"
    return size


def layers_add_up(subject: Subject) -> None:
    """The contributions of a layer sum to what its heads' outputs add to the class.

    That is taken where the heads' outputs enter the family's own output projection.
    """
    classifier, reading = subject.classifier, subject.reading
    found = contribution(classifier, reading)
    outputs: list[torch.Tensor] = []

    def keep(call: int, value: torch.Tensor) -> torch.Tensor:
        outputs.append(value)
        return value

    with changed_head_outputs(classifier.model, keep):
        linear = linear_pass(classifier, [reading.encoding.inputs], Recorder("input", freeze=True))
    assert len(outputs) == len(found.values), f"{len(outputs)} outputs, {len(found.values)} layers"
    target = Target(found.target_class, found.against_class)
    scalar = target.value(linear.logits).sum()
    slopes = torch.autograd.grad(scalar, outputs, allow_unused=True)
    expected = [
        0.0 if slope is None else float((output.detach() * slope).double().sum())
        for output, slope in zip(outputs, slopes, strict=True)
    ]
    if classifier.config.model_type in MIXED_WITH_HEADS:
        return
    if classifier.config.model_type in GATED_HEADS:
        expected = [value / 2 for value in expected]
    sums = found.values.astype(np.float64).sum((1, 2, 3))
    size = np.abs(found.values).sum((1, 2, 3)).max() + abs(found.value)
    gap = float(np.abs(sums - expected).max())
    assert gap <= subject.parts_tolerance * size, f"gap {gap / size:.2g}: {sums}, {expected}"


def bias_is_of_no_token(subject: Subject) -> None:
    """What is counted as bias is the same constants for another text of as many tokens."""
    classifier, encoding = subject.classifier, subject.reading.encoding
    require_linear(classifier)
    places = [at for at, token in enumerate(encoding.tokens) if not token.special]
    ids = np.array(encoding.inputs["input_ids"])
    ids[places] = ids[places[::-1]]
    constants = []
    for inputs in (encoding.inputs, {**encoding.inputs, "input_ids": ids}):
        recorder = Recorder("input", freeze=True)
        linear = linear_pass(classifier, [inputs], recorder)
        scalar = linear.logits[0, 0] - linear.logits[0, 1]
        slopes = torch.autograd.grad(scalar, list(linear.biases), allow_unused=True)
        constants.append(
            [
                torch.zeros(1) if slope is None else bias.detach() * (slope != 0)
                for bias, slope in zip(linear.biases, slopes, strict=True)
            ]
        )
    assert len(constants[0]) == len(constants[1]), "another number of constants"
    differing = [
        at
        for at, (one, other) in enumerate(zip(*constants, strict=True))
        if one.shape != other.shape
        or bool(((one - other).abs() > 1e-6).logical_and(one != 0).logical_and(other != 0).any())
    ]
    if classifier.config.model_type in ROUTED_BIASES:
        return
    assert not differing, f"constants {differing} of {len(constants[0])} depend on the text"


def padding_changes_nothing(subject: Subject) -> None:
    """A text read in one batch with a longer one is read as alone."""
    classifier = subject.classifier
    encodings = [classifier.encode(text) for text in (SHORT_TEXT, LONG_TEXT)]
    alone = [classifier.read(SHORT_TEXT), subject.reading]
    rows = classifier.logits([encoding.inputs for encoding in encodings])
    together = classifier.read_many(encodings)
    for row, single, batched in zip(rows, alone, together, strict=True):
        _near(row, single.prediction.logits, PADDING_TOLERANCE)
        _near(batched.prediction.logits, single.prediction.logits, PADDING_TOLERANCE)
        _same_maps(single, batched, PADDING_TOLERANCE)


def threads_stay_apart(subject: Subject) -> None:
    """Two threads that read at once say what one says."""
    texts = (SHORT_TEXT, LONG_TEXT) * 3
    alone = {text: subject.classifier.read(text) for text in texts[:2]}
    with ThreadPoolExecutor(2) as pool:
        for text, reading in zip(texts, pool.map(subject.classifier.read, texts), strict=True):
            _near(reading.prediction.logits, alone[text].prediction.logits, 1e-6)
            _same_maps(alone[text], reading, 1e-6)


def pairs_are_plain(subject: Subject) -> None:
    """A pair of texts is read as by the plain model."""
    pair = ("the market was not good", "a very bad movie!")
    reading = subject.classifier.read(*pair)
    inputs = subject.plain.inputs(*pair)
    assert {token.part for token in reading.encoding.tokens} >= {0, 1}
    _near(reading.prediction.logits, subject.plain.logits(inputs).numpy(), MAP_TOLERANCE)


def long_texts_are_cut(subject: Subject) -> None:
    """A text of more tokens than the model has positions is cut, and read as by the plain model."""
    reading = subject.classifier.read(" ".join([LONG_TEXT] * 4))
    assert reading.encoding.n_tokens <= subject.classifier.encoder.max_tokens
    inputs = {name: torch.tensor(ids)[None] for name, ids in reading.encoding.inputs.items()}
    _near(reading.prediction.logits, subject.plain.logits(inputs).numpy(), MAP_TOLERANCE)


def scripts_are_plain(subject: Subject) -> None:
    """Chinese and emoji are read as by the plain model, or refused where no character is known."""
    for text in SCRIPTS:
        try:
            reading = subject.classifier.read(text)
        except TextError:
            unknown = subject.plain.tokenizer.unk_token_id
            assert unknown is not None
            assert unknown in subject.plain.inputs(text)["input_ids"]
            continue
        expected = subject.plain.logits(subject.plain.inputs(text)).numpy()
        _near(reading.prediction.logits, expected, MAP_TOLERANCE)


def open_gates_are_plain(subject: Subject) -> None:
    """Gates that let everything through change nothing; their slopes are finite."""
    classifier, reading = subject.classifier, subject.reading
    assert np.isfinite(gate_gradients(classifier, reading)).all()
    with torch.no_grad():
        logits = classifier.forward(reading.encoding, HeadGates(open_gates(classifier, 1)))
    _near(logits.numpy(), reading.prediction.logits, MAP_TOLERANCE)


def closed_gates_are_zeros(subject: Subject) -> None:
    """Without a head the class is what it is with zeros for that head's output."""
    classifier, reading = subject.classifier, subject.reading
    lost = ablate(classifier, reading)
    assert np.isfinite(lost).all()
    if classifier.config.model_type in MIXED_WITH_HEADS:
        return
    margin = _margin(reading)
    inputs = subject.plain.inputs(LONG_TEXT)
    calls = subject.plain.head_outputs(inputs)
    assert len(calls) == len(lost), f"{len(calls)} projections for {len(lost)} layers"
    whole = margin(subject.plain.logits(inputs).numpy())
    for layer, head in [(0, 0), (len(lost) - 1, lost.shape[1] - 1)]:
        logits = subject.plain.logits_without(inputs, [(layer, head)], lost.shape[1])
        expected = whole - margin(logits.numpy())
        gap = abs(lost[layer, head] - expected)
        assert gap <= 1e-4 * max(1, abs(whole)), f"layer {layer}: {lost[layer, head]}, {expected}"


def heads_off_are_zeros(subject: Subject) -> None:
    """With heads off a text is read as with zeros for what they put out, and they look as ever."""
    classifier, whole = subject.classifier, subject.reading
    last = classifier.n_layers - 1
    heads = [(0, 0), (last, 0), (last, classifier.n_heads - 1)]
    silenced = classifier.without(heads)
    reading = silenced.read(LONG_TEXT)
    assert reading.without == silenced.off == tuple(sorted({*heads}))
    gap = float(np.abs(reading.attention.weights[0] - whole.attention.weights[0]).max())
    assert gap <= MAP_TOLERANCE, f"the first layer looks elsewhere: {gap:.2g}"
    if classifier.config.model_type in MIXED_WITH_HEADS:
        return
    inputs = subject.plain.inputs(LONG_TEXT)
    expected = subject.plain.logits_without(inputs, heads, classifier.n_heads).numpy()
    rows = [whole.encoding.inputs]
    for logits in (reading.prediction.logits, silenced.logits(rows)[0]):
        _near(logits, expected, MAP_TOLERANCE)
    with changed_head_outputs(classifier.model, zeros_for(heads, classifier.n_heads)):
        hooked = classifier.logits(rows)[0]
    exact = 1e-12 if classifier.model.dtype == torch.float64 else MAP_TOLERANCE
    _near(silenced.logits(rows)[0], hooked, exact)
    assert float(np.abs(expected - whole.prediction.logits).max()) > 10 * MAP_TOLERANCE
    parts_add_up_to(attribute(silenced, reading, "decomposition"), subject.parts_tolerance)
    shares = contribution(silenced, reading).values
    assert not any(shares[layer, head].any() for layer, head in heads)
    assert shares.any()


def exports_replay(subject: Subject) -> None:
    """Pictures, pages and numbers can be saved, and the numbers replay."""
    classifier, reading = subject.classifier, subject.classifier.read(SHORT_TEXT)
    kinds = ["attribution"]
    if isinstance(reading.attention, Attention):
        kinds.append("head")
    for kind in kinds:
        (spec,) = FigureRequest(kinds=(kind,)).specs(classifier, reading)
        assert render(spec, "png").startswith(b"\x89PNG")
        assert b"<html" in render(spec, "html")
        saved = parse(f"{kind}.json", render(spec, "json"))
        differing = [part for part in replay(saved, classifier) if not part.agrees]
        assert not differing, f"{kind}: {differing}"


def _margin(reading: Reading) -> Callable[[np.ndarray], float]:
    target = reading.prediction.predicted_class
    against = reading.prediction.runner_up(target)
    return lambda logits: float(logits[target] - logits[against])


def _same_maps(one: Reading, other: Reading, tolerance: float) -> None:
    if isinstance(one.attention, MissingAttention):
        assert isinstance(other.attention, MissingAttention)
        return
    gap = float(np.abs(one.attention.weights - other.attention.weights).max())
    assert gap <= tolerance, f"maps differ by {gap:.2g}"


def _near(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    gap = float(np.abs(found - expected).max())
    allowed = tolerance * max(1.0, float(np.abs(expected).max()))
    assert gap <= allowed, f"logits differ by {gap:.2g}"


CLAIMS: dict[str, Callable[[Subject], None]] = {
    "logits": logits_are_plain,
    "maps": maps_are_eager,
    "deciding": deciding_rows_are_plain,
    "parts": parts_add_up,
    "bias": bias_is_of_no_token,
    "layers": layers_add_up,
    "padding": padding_changes_nothing,
    "threads": threads_stay_apart,
    "pair": pairs_are_plain,
    "scripts": scripts_are_plain,
    "long text": long_texts_are_cut,
    "open gates": open_gates_are_plain,
    "closed gates": closed_gates_are_zeros,
    "heads off": heads_off_are_zeros,
    "exports": exports_replay,
}
"""By a short name, in the order of what each needs."""


def outcome(claim: Callable[[], object]) -> str:
    """How a claim ends: "" where it holds, else how it fails and why."""
    try:
        claim()
    except VizError as error:
        return f"refused: {error}"
    except AssertionError as error:
        return f"WRONG: {error}"
    except Exception as error:
        return f"TRACEBACK: {type(error).__name__}: {error}"
    return ""
