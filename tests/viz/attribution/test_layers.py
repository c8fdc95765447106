"""Layers of families that are built in different ways, taken apart by what a pass shows.

The oracle silences one token after the other by a hook on the value vectors of one layer, and sees
what its output projection and the layer itself put out instead.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from tests.families import LONG_TEXT, family_checkpoint
from viz import Classifier, Reading
from viz.attribution.decompx import DECOMPX_ABSDOT
from viz.attribution.layers import recorded_layers, require_tokenwise
from viz.attribution.method import AttributionInput, Method
from viz.attribution.norms import ALTI, GLOBENC, NORMS
from viz.attribution.target import Target
from viz.attribution.value_zeroing import VALUE_ZEROING, zeroed_row

QUERIES, SHARES = (0, 4), np.array([0.25, 0.75])
TEXT = "Oil prices rise as stockss fall, the market was not good!"


class Paths(NamedTuple):
    """Where a layer keeps what the oracle looks at."""

    values: str
    """What makes the values, in the last third of what it puts out or in all of it."""
    output: str
    """The output projection."""
    thirds: int = 1


PRE_NORM = {
    "modernbert": Paths("attn.Wqkv", "attn.Wo", 3),
    "gpt2": Paths("attn.c_attn", "attn.c_proj", 3),
    "llama": Paths("self_attn.v_proj", "self_attn.o_proj"),
}
OTHERS = {
    "mpnet": Paths("attention.attn.v", "attention.attn.o"),
    "deberta-v2": Paths("attention.self.value_proj", "attention.output.dense"),
    "gemma2": Paths("self_attn.v_proj", "post_attention_layernorm"),
    "phi": Paths("self_attn.v_proj", "self_attn.dense"),
}
PATHS = PRE_NORM | OTHERS
TOLERANCE = dict.fromkeys(PATHS, 1e-9) | dict.fromkeys(("gemma2", "llama", "modernbert"), 1e-6)
"""Where nothing records them, some normalize in single precision."""


@pytest.fixture(scope="module", params=PATHS)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Classifier]:
    loaded: dict[str, Classifier] = {}

    def load(family: str) -> Classifier:
        if family not in loaded:
            folder = family_checkpoint(tmp_path_factory.mktemp("layers") / "x", family)
            loaded[family] = Classifier.load(folder, dtype=torch.float64, device="cpu")
        return loaded[family]

    return load


class Seen(NamedTuple):
    """What one layer did with one text."""

    before: np.ndarray
    """(T, D)"""
    projected: np.ndarray
    """(T, D)"""
    after: np.ndarray
    """(T, D)"""


@contextmanager
def hooked(handles: list[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def run(classifier: Classifier, reading: Reading, layer: int, silenced: int | None = None) -> Seen:
    """What a layer does, with the values of one token set to zero."""
    paths, module = PATHS[classifier.config.model_type], classifier.layers[layer]
    seen: dict[str, np.ndarray] = {}

    def silence(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        if silenced is not None:
            changed[:, silenced, -output.shape[-1] // paths.thirds :] = 0
        return changed

    def keep(name: str) -> Callable[[nn.Module, Any, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, named: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            states = inputs[0] if inputs else named["hidden_states"]
            seen[name], seen[f"{name}.in"] = (x[0].double().numpy() for x in (output, states))

        return hook

    handles = [
        module.get_submodule(paths.values).register_forward_hook(silence),
        module.get_submodule(paths.output).register_forward_hook(keep("output"), with_kwargs=True),
        module.register_forward_hook(keep("layer"), with_kwargs=True),
    ]
    with hooked(handles):
        classifier.logits([reading.encoding.inputs])
    return Seen(seen["layer.in"], seen["output"], seen["layer"])


def taken(classifier: Classifier, reading: Reading, layer: int) -> np.ndarray:
    """What each query takes from each key, by silencing the key.  (Q, K, D)"""
    whole = run(classifier, reading, layer).projected
    places = range(reading.encoding.n_tokens)
    without = [run(classifier, reading, layer, key).projected for key in places]
    return np.stack([whole - each for each in without], axis=1)


def scores(classifier: Classifier, method: Method, **options: object) -> np.ndarray:
    """Of a class that is read from two tokens, whichever the head reads it from."""
    reading = classifier.read(TEXT)
    pooling = np.zeros(reading.encoding.n_tokens, dtype=np.float32)
    pooling[QUERIES,] = SHARES
    asked = method.resolve_options(options)
    result = method.score(
        AttributionInput(classifier, replace(reading, pooling=pooling), Target(1, 0), asked)
    )
    return np.asarray(result.scores)


def pooled(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(SHARES @ matrix[QUERIES,])


# The norm of Gemma 2 isn't linear in a key.
@pytest.mark.parametrize("family", sorted(PATHS.keys() - {"gemma2"}))
def test_what_a_query_takes_from_a_key_is_lost_when_the_key_is_silenced(
    family: str, opened: Callable[[str], Classifier]
) -> None:
    classifier = opened(family)
    vectors = taken(classifier, classifier.read(TEXT), classifier.n_layers - 1)
    found = scores(classifier, NORMS, kind="attention")
    expected = pooled(np.linalg.norm(vectors, axis=-1))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[family])


@pytest.mark.parametrize("family", PRE_NORM)
def test_layers_that_normalize_first_mix_by_shares_of_the_residual_sum(
    family: str, opened: Callable[[str], Classifier]
) -> None:
    classifier = opened(family)
    reading = classifier.read(TEXT)
    by_length = by_distance = np.eye(reading.encoding.n_tokens)
    for layer in range(classifier.n_layers):
        seen = run(classifier, reading, layer)
        shares = taken(classifier, reading, layer)
        for query, state in enumerate(seen.before):
            shares[query, query] += state
        lengths = np.linalg.norm(shares, axis=-1)
        whole = seen.before + seen.projected
        closeness = np.abs(whole).sum(-1)[:, None] - np.abs(whole[:, None] - shares).sum(-1)
        closeness = closeness.clip(min=0)
        by_length = lengths / lengths.sum(1, keepdims=True) @ by_length
        by_distance = closeness / closeness.sum(1, keepdims=True) @ by_distance
    for method, matrix in ((NORMS, lengths), (GLOBENC, by_length), (ALTI, by_distance)):
        found = scores(classifier, method)
        np.testing.assert_allclose(found, pooled(matrix), rtol=0, atol=TOLERANCE[family])
        assert method is NORMS or found.sum() == pytest.approx(1, abs=1e-12)


def test_rows_of_value_zeroing_are_those_found_by_hooks(
    family: str, opened: Callable[[str], Classifier]
) -> None:
    classifier = opened(family)
    reading = classifier.read(TEXT)
    places = range(reading.encoding.n_tokens)
    rows = []
    with torch.inference_mode():
        layers = recorded_layers(classifier, reading.encoding)
        found = [[zeroed_row(layer, query).numpy() for query in QUERIES] for layer in layers]
    for layer in range(classifier.n_layers):
        whole = run(classifier, reading, layer).after
        without = np.stack([run(classifier, reading, layer, key).after for key in places])
        cosines = (without * whole).sum(-1) / np.linalg.norm(without, axis=-1)
        distances = (1 - cosines / np.linalg.norm(whole, axis=-1)).T[QUERIES,]
        rows.append(distances / distances.sum(1, keepdims=True))
    np.testing.assert_allclose(found, rows, rtol=0, atol=TOLERANCE[family])
    mean = scores(classifier, VALUE_ZEROING, rows="mean")
    np.testing.assert_allclose(mean, SHARES @ np.mean(rows, axis=0), rtol=0, atol=TOLERANCE[family])


@pytest.mark.parametrize(
    "family",
    [
        *("albert", "bloom", "falcon grouped", "gemma2", "gpt_neox", "gte", "olmo2", "openai-gpt"),
        *("qwen3", "xlnet"),
    ],
)
def test_every_state_is_the_sum_that_it_is_said_to_be(tmp_path: Path, family: str) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "x", family), device="cpu")
    require_tokenwise(classifier)
    texts = [recorded_layers(classifier, classifier.encode(text)) for text in (LONG_TEXT, "a")]
    assert [len(layers) for layers in texts] == [classifier.n_layers] * 2
    for layer in chain(*texts):
        torch.testing.assert_close(layer.required_output().value, layer.after)
        for state in (layer.added, layer.attended, layer.required_output()):
            every = torch.arange(len(state.value))
            torch.testing.assert_close(state.rebuilt(every), state.value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("bart", "they don't hold one product of attention weights and values each"),
        ("convbert", "what follows their heads is more than a linear map of what these put out"),
        ("xlm", "what their heads put out isn't added to the states that they are given"),
    ],
)
def test_what_stands_in_the_way_is_said(tmp_path: Path, family: str, reason: str) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "x", family), device="cpu")
    for method in (NORMS, GLOBENC, ALTI, VALUE_ZEROING):
        assert method.refusal(classifier) == (
            f"The layers of the architecture {classifier.architecture} can't be taken apart: "
            f"{reason}; choose another method."
        )


def test_threads_that_take_layers_apart_at_once_get_what_they_get_alone(
    opened: Callable[[str], Classifier],
) -> None:
    classifier = opened("gpt2")
    methods = [ALTI, VALUE_ZEROING, DECOMPX_ABSDOT] * 2

    def run_alone(method: Method) -> np.ndarray:
        asked = AttributionInput(classifier, classifier.read(TEXT), Target(1, 0))
        return np.asarray(method.run(replace(asked, options=method.resolve_options({}))).scores)

    alone = [run_alone(method) for method in methods]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(run_alone, methods))
    np.testing.assert_array_equal(together, alone)
