"""Accuracy as heads go, against the texts read one by one with each set of heads."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.windows import STRIDE_KEY
from finetune.evaluation.metrics import wilson_interval
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier
from viz.__main__ import app
from viz.attribution.head_importance import importance
from viz.data.rows.row_predictions import predict
from viz.errors import MethodError, SelectionError
from viz.export.accuracy_curve import curve_csv, curve_sentence
from viz.figures.plots.accuracy_curve import accuracy_plot
from viz.jobs.cancellation import CancelledError
from viz.mechanism.ablation.curve import AccuracyCurve, accuracy_curve, removal_order
from viz.mechanism.ablation.measurement import Measure, expected_passes, file_curve
from viz.model.head_gates import HeadGates, open_gates
from viz.model.row_windows import windowed_rows

TEXTS = tuple(
    f"{first} {second} as stocks fall" + " not" * (number % 3)
    for number, (first, second) in enumerate(
        (first, second)
        for first in ("oil", "market", "team", "space")
        for second in ("prices rise", "wins game", "election")
    )
)

LONG = ("oil", "team", "space", "bad", "election")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(tiny_checkpoint(tmp_path_factory.mktemp("curve") / "bert"), device="cpu")


@pytest.fixture(scope="module")
def gold(classifier: Classifier) -> list[int]:
    """What the whole model says, but for every fourth text."""
    said = [classifier.read(text).prediction.predicted_class for text in TEXTS]
    return [(each + (number % 4 == 0)) % 4 for number, each in enumerate(said)]


def counted_alone(
    classifier: Classifier, gold: list[int], off: list[tuple[int, int]]
) -> tuple[int, FloatArray]:
    """How many texts are right, each read alone without some heads."""
    gates = open_gates(classifier, 1)
    for head in off:
        gates[0][head] = 0
    with torch.inference_mode():
        logits = np.array(
            [
                classifier.forward(classifier.encode(text), HeadGates(gates)).numpy()
                for text in TEXTS
            ]
        )
    return int((logits.argmax(1) == gold).sum()), logits


@pytest.fixture(scope="module")
def curve(classifier: Classifier, gold: list[int]) -> AccuracyCurve:
    order = removal_order(np.random.default_rng(3).random((3, 4)))
    rows = windowed_rows(classifier, TEXTS, None)
    return accuracy_curve(classifier, rows, gold, order, n_random=2, seed=7)


def test_each_point_is_what_reading_alone_counts(
    classifier: Classifier, gold: list[int], curve: AccuracyCurve
) -> None:
    assert curve.counts.tolist() == list(range(13))  # of 12 heads, one at a time
    draw = np.random.default_rng(7)
    orders = [list(curve.order)] + [
        [curve.order[i] for i in draw.permutation(12)] for _ in range(2)
    ]
    for order, right in zip(orders, [curve.right, *curve.random], strict=True):
        expected = [counted_alone(classifier, gold, order[:count])[0] for count in range(13)]
        assert right.tolist() == expected
    assert curve.right[0] == 9  # one in four labels is another one
    np.testing.assert_array_equal(curve.random[:, 0], curve.right[0])
    np.testing.assert_array_equal(curve.random[:, -1], curve.right[-1])
    assert tuple(curve.interval[0]) == wilson_interval(9, 12)


def test_heads_go_by_importance_and_steps_are_equal() -> None:
    worth = np.array([[0.3, 0.1], [0.1, 0.2]])
    assert removal_order(worth) == ((0, 1), (1, 0), (1, 1), (0, 0))


def test_removable_ends_before_accuracy_first_leaves_the_interval() -> None:
    curve = AccuracyCurve(
        order=tuple((0, head) for head in range(4)),
        counts=np.arange(5),
        right=np.array([90, 88, 50, 89, 20]),
        random=np.zeros((0, 5), int),
        n_rows=100,
        seed=0,
    )
    assert curve.removable == 1


def test_the_order_is_measured_on_other_texts_than_are_counted(
    classifier: Classifier, gold: list[int]
) -> None:
    texts, labels = [*TEXTS, "   "], np.array([*gold, 0])
    passes: list[float] = []
    measured = file_curve(
        classifier, texts, None, labels, n_ordered=5, n_random=1, progress=passes.append
    )
    assert (measured.n_ordered, measured.curve.n_rows) == (5, 7)  # nothing to read in the last
    drawn = np.random.default_rng(0).permutation(12)
    expected = importance(classifier, [classifier.read(TEXTS[index]) for index in drawn[:5]])
    np.testing.assert_allclose(measured.importance, expected)
    assert measured.curve.order == removal_order(expected)
    alone = sum(
        classifier.read(TEXTS[index]).prediction.predicted_class == gold[index]
        for index in drawn[5:]
    )
    assert measured.curve.right[0] == alone
    assert sum(passes) == expected_passes(classifier, 12, n_ordered=5, n_random=1)
    lines = curve_csv(measured).decode().splitlines()
    assert lines[0] == "heads_off,accuracy,low,high,random_mean,random_min,random_max"
    assert float(lines[1].split(",")[1]) == measured.curve.accuracy[0]
    assert curve_sentence(measured).endswith(".")
    band, mean, drawn_line = accuracy_plot(measured.curve).data
    assert {trace.mode for trace in (band, mean)} == {"lines"}
    np.testing.assert_allclose(drawn_line.y, measured.curve.accuracy)


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that was trained on windows."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("curve") / "windows")
    edit_config(folder, **{STRIDE_KEY: 25})
    return folder


def test_long_texts_are_counted_by_all_of_their_windows(windows: Path) -> None:
    classifier = Classifier.load(windows, device="cpu")
    texts = [f"{first} " * 45 + f"{second} " * 45 for first, second in permutations(LONG, 2)]
    bias = classifier.model.get_parameter("classifier.bias").data
    bias -= torch.from_numpy(predict(classifier, texts).logits.mean(0))  # so that classes differ
    passes: list[float] = []
    whole = predict(classifier, texts)
    first = predict(classifier.with_windows(None), texts)
    assert (whole.predicted != first.predicted).sum() > 3, "one window would be told apart"
    gates = np.ones((3, 4))
    for head in ((0, 0), (0, 1), (0, 2)):
        gates[head] = 0
    curve = accuracy_curve(
        classifier,
        windowed_rows(classifier, texts, None),
        whole.predicted,
        removal_order(np.arange(12.0).reshape(3, 4)),
        counts=[0, 3],
        n_random=0,
        progress=passes.append,
    )
    without = predict(classifier, texts, gates=gates).predicted
    assert curve.right.tolist() == [len(texts), (without == whole.predicted).sum()]
    assert sum(passes) == 2 * len(texts)
    measured = file_curve(classifier, texts, None, whole.predicted, n_ordered=2, n_random=0)
    assert measured.curve.accuracy[0] == 1


def test_the_command_says_that_windows_are_read(windows: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\noil,World\nteam,Sports\n", "utf-8")
    arguments = ["heads", "--curve", "--checkpoint", windows, "--data", file, "--limit", 1]
    result = CliRunner().invoke(app, [str(part) for part in arguments])
    assert result.exit_code == 0, result.output
    assert "read in overlapping windows, 25 tokens from one to the next" in result.stderr


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier that gives texts with `alert` no finite logits."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("curve") / "overflowing")
    weights = load_file(folder / "model.safetensors")
    token = Classifier.load(folder).tokenizer.convert_tokens_to_ids("alert")
    weights["bert.embeddings.word_embeddings.weight"][token] = 3e38  # finite, unlike its square
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return Classifier.load(folder, device="cpu")


def test_a_text_without_finite_logits_is_right_at_no_point(overflowing: Classifier) -> None:
    texts = ("alert oil", "oil prices rise", "alert team")
    said = overflowing.read(texts[1]).prediction.predicted_class
    rows, order = windowed_rows(overflowing, texts, None), removal_order(np.zeros((3, 4)))
    # Whatever class argmax makes of NaN.
    for label in range(overflowing.n_classes):
        curve = accuracy_curve(overflowing, rows, [label, said, label], order, counts=[0])
        assert (curve.right.tolist(), curve.n_not_finite) == ([1], 2)


@pytest.mark.parametrize("measure", ["gradient", "ablation"])
def test_a_text_without_finite_logits_orders_no_heads(
    overflowing: Classifier, measure: Measure
) -> None:
    texts = [*TEXTS[:8], *(f"alert {text}" for text in TEXTS[:8])]
    measured = file_curve(
        overflowing, texts, None, np.zeros(16), measure=measure, n_ordered=8, n_random=0
    )
    first = [index for index in np.random.default_rng(0).permutation(16)[:8] if index < 8]
    assert 0 < measured.n_ordered == len(first) < 8
    assert np.isfinite(measured.importance).all()
    assert measured.curve.n_not_finite == len(first)  # 8 of 16 overflow, and 8 are counted
    assert f"Logits of {len(first)} texts are not finite" in curve_sentence(measured)
    with pytest.raises(SelectionError, match=r"Of 2 texts drawn to order heads none has finite"):
        file_curve(overflowing, ["alert oil", "alert"] * 2, None, np.zeros(4), measure=measure)


def test_a_curve_that_nobody_wants_ends(classifier: Classifier, gold: list[int]) -> None:
    def cancel(_: float) -> None:
        raise CancelledError

    rows = windowed_rows(classifier, TEXTS, None)
    order = removal_order(np.zeros((3, 4)))
    with pytest.raises(CancelledError):
        accuracy_curve(classifier, rows, gold, order, progress=cancel)


def test_what_cannot_be_counted_is_refused(
    classifier: Classifier, gold: list[int], tmp_path: Path
) -> None:
    rows = windowed_rows(classifier, TEXTS, None)
    order = removal_order(np.zeros((3, 4)))
    with pytest.raises(SelectionError, match=r"no labels"):
        file_curve(classifier, TEXTS, None, None)
    with pytest.raises(SelectionError, match=r"each of the 12 heads of this checkpoint once\."):
        accuracy_curve(classifier, rows, gold, order[1:])
    with pytest.raises(SelectionError, match=r"run from 0 to 9\."):
        accuracy_curve(classifier, rows, [9, *gold[1:-1], 0], order)
    with pytest.raises(SelectionError, match=r"Of 2 texts 1 can't be read; leave them out\."):
        accuracy_curve(classifier, windowed_rows(classifier, ("oil", " "), None), [0, 0], order)
    several = tiny_checkpoint(tmp_path / "several", problem_type="multi_label_classification")
    with pytest.raises(MethodError, match=r"gives a text any number of classes"):
        accuracy_curve(Classifier.load(several, device="cpu"), rows, gold, order)


def test_the_command_prints_and_writes_the_points(
    classifier: Classifier, gold: list[int], tmp_path: Path
) -> None:
    folder = tiny_checkpoint(tmp_path / "bert")
    lines = [
        "text,label",
        *(f"{text},{classifier.labels[c]}" for text, c in zip(TEXTS, gold, strict=True)),
    ]
    (tmp_path / "rows.csv").write_text("\n".join(lines), "utf-8")
    arguments = ["heads", "--curve", "--checkpoint", folder, "--data", tmp_path / "rows.csv"]
    outputs = {kind: tmp_path / f"curve{kind}" for kind in (".json", ".svg")}
    for output in outputs.values():
        result = CliRunner().invoke(
            app, [str(part) for part in [*arguments, "--limit", 4, "--output", output]]
        )
        assert result.exit_code == 0, result.output
        assert "   0: " in result.stdout
    written = json.loads(outputs[".json"].read_text("utf-8"))
    assert (written["n_ordered"], written["n_counted"]) == (4, 8)
    assert [point["heads_off"] for point in written["points"]] == list(range(13))
    assert b"Accuracy as heads go" in outputs[".svg"].read_bytes()

    plain = [str(part) for part in arguments if part != "--curve"]
    for option, value in (("--rows", "500"), ("--label-column", "label")):
        refused = CliRunner().invoke(app, [*plain, option, value])
        assert refused.exit_code == 1
        sentence = f"{option} does nothing without --curve; leave it out, or give both.\n"
        assert refused.stderr == sentence

    # A column of labels may have any name.
    lines[0] = "text,truth"
    (tmp_path / "rows.csv").write_text("\n".join(lines), "utf-8")
    again = [str(part) for part in [*arguments, "--limit", 4]]
    refused = CliRunner().invoke(app, again)
    assert refused.exit_code == 1
    assert "name it with --label-column" in refused.stderr
    named = CliRunner().invoke(app, [*again, "--label-column", "truth"])
    assert named.stdout == result.stdout.rpartition(str(outputs[".svg"]))[0]
