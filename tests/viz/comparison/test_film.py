"""One text over the frames of a training: each number is that of a plain reading."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from finetune.run.history import open_history
from tests.conftest import TEXT
from tests.families import family_checkpoint
from tests.histories import STEPS, damage_frame, tiny_history, write_frame
from viz import Classifier, attribute
from viz.attention.jensen_shannon import head_distances
from viz.attention.words import merge
from viz.comparison.film.descriptions import changes
from viz.comparison.film.film import Film, FilmFrame, RefusedFrame, changed_most, layer_changed_most
from viz.comparison.film.frame_classifier import frame_classifier
from viz.comparison.film.reader import FilmReader, film, history_of
from viz.errors import CheckpointError, MethodError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with four frames."""
    return tiny_history(tmp_path_factory.mktemp("film"), 4)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return Classifier.load(folder)


@pytest.fixture(scope="module")
def whole(folder: Path, classifier: Classifier) -> Film:
    return film(folder, TEXT, classifier=classifier)


def frames_of(shown: Film) -> Iterator[FilmFrame]:
    """The frames, none of which was refused."""
    for frame in shown.frames:
        assert isinstance(frame, FilmFrame)
        yield frame


def test_each_frame_is_a_plain_reading_of_its_weights(
    folder: Path, classifier: Classifier, whole: Film
) -> None:
    maps = []
    for step, frame in zip(open_history(folder).frames, frames_of(whole), strict=True):
        own = frame_classifier(classifier, folder, step)
        reading = own.read(TEXT)
        np.testing.assert_array_equal(frame.prediction.logits, reading.prediction.logits)
        target = whole.target
        explained = attribute(own, reading, whole.method, target.target_class, target.against_class)
        np.testing.assert_array_equal(frame.scores, merge(explained.scores, whole.spans))
        assert frame.value == explained.value
        maps.append(reading.attention.weights)
    for index, frame in enumerate(frames_of(whole)):
        if not index:
            assert frame.from_before is frame.from_base is None
            continue
        assert frame.from_before is not None
        assert frame.from_base is not None
        assert np.array_equal(frame.from_before, head_distances(maps[index - 1], maps[index]))
        assert np.array_equal(frame.from_base, head_distances(maps[0], maps[index]))


def test_the_last_frame_says_what_the_finished_checkpoint_says(
    classifier: Classifier, whole: Film
) -> None:
    finished = classifier.read(TEXT)
    *_, last = frames_of(whole)
    np.testing.assert_array_equal(last.prediction.logits, finished.prediction.logits)
    np.testing.assert_array_equal(last.prediction.probabilities, finished.prediction.probabilities)
    assert whole.target.target_class == finished.prediction.predicted_class
    np.testing.assert_array_equal(last.scores, whole.finished_scores)
    assert whole.complete


def test_frames_are_the_same_in_any_order(
    folder: Path, classifier: Classifier, whole: Film
) -> None:
    reader = FilmReader(classifier, history_of(folder), TEXT)
    frames: list[FilmFrame | RefusedFrame | None] = [None] * 4
    for index in (2, 0, 3, 1):
        assert not reader.film(frames).complete
        assert reader.film(frames).onsets() == {}
        frames[index] = reader.read(index)
    for frame, expected in zip(frames_of(reader.film(frames)), frames_of(whole), strict=True):
        np.testing.assert_array_equal(frame.scores, expected.scores)
        assert (frame.from_before is None) == (expected.from_before is None)
        if frame.from_before is not None and expected.from_before is not None:
            np.testing.assert_array_equal(frame.from_before, expected.from_before)


def test_a_classifier_with_heads_off_has_no_film(folder: Path, classifier: Classifier) -> None:
    with pytest.raises(MethodError, match="A film is of a checkpoint with all of its heads"):
        film(folder, TEXT, classifier=classifier.without([(0, 1)]))


def test_words_matter_from_where_the_head_reads_them(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 4)
    last = load_file(folder / "model.safetensors")
    for index in range(4):
        weights = dict(last)
        if index < 2:  # a head that reads nothing, then the finished model
            weights["classifier.weight"] = 0 * last["classifier.weight"]
        write_frame(folder, index, 4, weights)
    shown = film(folder, TEXT)
    onsets = shown.onsets()
    assert onsets
    assert set(onsets.values()) == {2}
    assert all(not shown.spans[word].special for word in onsets)


def test_a_broken_frame_is_refused_and_the_others_stay(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 4)
    damage_frame(folder, 2)
    shown = film(folder, TEXT)
    broken, after = shown.frames[2:]
    assert isinstance(broken, RefusedFrame)
    assert f"step-{2 * STEPS:06d} is not what was written" in broken.reason
    assert isinstance(after, FilmFrame)
    assert after.from_before is None
    assert after.from_base is not None
    assert shown.complete
    assert set(shown.onsets().values()) <= {0, 1, 3}


def test_the_best_epoch_comes_last_where_it_was_not_the_last(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 3)
    weights = load_file(folder / "model.safetensors")
    write_frame(folder, 1, 2, weights)  # the checkpoint, and another step after it
    write_frame(folder, 2, 9, {name: 1.5 * each for name, each in weights.items()})
    shown = film(folder, TEXT)
    assert [step.step for step in shown.steps] == [0, 10, 20, 10]
    assert [step.is_final for step in shown.steps] == [False, False, False, True]
    _, best, after, last = frames_of(shown)
    np.testing.assert_array_equal(last.prediction.logits, shown.finished.logits)
    np.testing.assert_array_equal(last.prediction.logits, best.prediction.logits)
    assert not np.array_equal(last.prediction.logits, after.prediction.logits)
    assert last.from_before is not None
    assert changes(shown, 0).startswith(
        "The base model, before the first step. By the last frame, L"
    )
    assert changes(shown, 3).startswith("Since step 20, the head that changed most is L")


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    folder = tiny_history(tmp_path, 3)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"][0] = float("nan")
    write_frame(folder, 1, 3, weights)
    broken = film(folder, TEXT).frames[1]
    assert isinstance(broken, RefusedFrame)
    assert "'checkpoint at step 10' gives logits that are not finite" in broken.reason


def test_a_checkpoint_without_frames_says_how_they_are_kept(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no history; train it with --keep-epochs"):
        film(checkpoint, TEXT)


def test_words_of_each_frame_add_up_with_the_hidden_value(
    folder: Path, classifier: Classifier
) -> None:
    shown = film(folder, TEXT, classifier=classifier, method="decomposition-path")
    for frame in frames_of(shown):
        assert frame.shares is not None
        assert frame.hidden is not None
        assert frame.hidden + frame.shares.sum() == pytest.approx(frame.value, abs=1e-5)
        assert shown.shown(frame) is frame.shares
        assert "every word hidden" in frame.summary
    # Where the finished checkpoint has no shares, scores without a unit are parts of a whole.
    bare = replace(shown, finished_shares=None)
    for frame in frames_of(bare):
        parts = bare.shown(frame)
        assert parts is not None
        assert np.abs(parts[bare.words]).sum() == pytest.approx(1)
    # And where only one frame has none, no word matters in it.
    without = replace(next(frames_of(shown)), shares=None, hidden=None)
    later = replace(shown, frames=(*shown.frames[:-2], without, shown.frames[-1]))
    assert later.shown(without) is None
    assert set(later.onsets().values()) == {len(shown.frames) - 1}


def test_an_unknown_method_is_refused(folder: Path, classifier: Classifier) -> None:
    with pytest.raises(MethodError, match="Unknown method"):
        film(folder, TEXT, classifier=classifier, method="none such")


def test_a_network_without_maps_has_classes_and_words(tmp_path: Path) -> None:
    folder = family_checkpoint(tmp_path / "fnet", "fnet")
    last = load_file(folder / "model.safetensors")
    for index, share in enumerate((0.5, 1.0)):
        write_frame(folder, index, 2, {name: share * weights for name, weights in last.items()})
    shown = film(folder, TEXT)
    assert shown.no_attention.startswith("This model has no attention to show")
    for frame in frames_of(shown):
        assert frame.thumbnails is frame.from_before is frame.from_base is None
        assert np.abs(frame.scores).sum() > 0
    np.testing.assert_array_equal(
        list(frames_of(shown))[-1].prediction.logits, shown.finished.logits
    )


def test_the_head_and_the_layer_that_changed_most() -> None:
    distances = np.array([[0.1, 0.2], [0.0, 0.9], [0.5, 0.5]])
    assert changed_most(distances) == (1, 1)
    assert layer_changed_most(distances) == 2
