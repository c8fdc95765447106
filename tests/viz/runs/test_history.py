"""The history of a run, read while it is written."""

import math
from pathlib import Path

import pytest

from tests.viz.rooms import START, epoch, step, written
from viz.runs.history import Epoch, History, SeedHistory, read_history


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the events are."""
    return tmp_path / "events.jsonl"


def test_no_file_is_an_empty_history(file: Path) -> None:
    assert read_history(file) == History()


def test_half_a_line_waits_and_what_is_no_event_is_passed_over(file: Path) -> None:
    whole = written([START, step(1)])
    file.write_text('7\n{"loss": 1}\n{"kind": "step"}\n[]\nx\n' + whole[:-5])
    assert read_history(file).steps == ()
    assert read_history(file).planned_epochs == 2
    with file.open("a") as more:
        more.write(whole[-5:])
    assert [one.step for one in read_history(file).steps] == [1]


def test_a_step_has_the_gradient_norms_that_it_tells(file: Path) -> None:
    norms = {"embeddings": 0.25, "head": float("nan")}
    file.write_text(written([START, step(1), step(2) | {"gradient_norms": norms}]))
    first, second = read_history(file).steps
    assert first.gradient_norms == {}
    assert second.gradient_norms["embeddings"] == 0.25
    assert math.isnan(second.gradient_norms["head"])


def test_only_what_is_new_is_read(file: Path) -> None:
    """What was read before is not looked at again: here it can't be read any more."""
    first = written([START, step(1)])
    file.write_text(first)
    read_history(file)
    file.write_text(first.splitlines()[0] + "\n" + "x" * (len(first.splitlines()[1])) + "\n")
    with file.open("a") as more:
        more.write(written([step(2)]))
    assert [one.step for one in read_history(file).steps] == [1, 2]


def test_another_file_of_the_same_name_is_read_anew(file: Path) -> None:
    file.write_text(written([START, step(1), step(2)]))
    read_history(file)
    other = START | {"pid": 2}
    file.write_text(written([other, step(5)]))
    assert [one.step for one in read_history(file).steps] == [5]
    file.unlink()
    assert read_history(file) == History()


def test_steps_and_epochs_beyond_the_one_resumed_from_are_forgotten(file: Path) -> None:
    begun = [START, step(5), step(10), epoch(1), step(15), step(20), epoch(2)]
    file.write_text(written([*begun, {"kind": "resume", "step": 15}]))
    history = read_history(file)
    assert [one.step for one in history.steps] == [5, 10, 15]
    assert [one.epoch for one in history.epochs] == [1]
    assert history.progress is None


def test_an_epoch_that_ends_with_the_step_resumed_from_stays(file: Path) -> None:
    file.write_text(written([START, step(10), epoch(1), {"kind": "resume", "step": 10}]))
    assert [one.epoch for one in read_history(file).epochs] == [1]


def test_what_comes_again_replaces_what_was(file: Path) -> None:
    file.write_text(written([START, step(5), step(9), epoch(1), step(5, 0.25), epoch(1, 0.75)]))
    history = read_history(file)
    assert [(one.step, one.loss) for one in history.steps] == [(5, 0.25)]
    assert [one.measured["accuracy"] for one in history.epochs] == [0.75]


def test_a_run_that_begins_anew_forgets_all(file: Path) -> None:
    file.write_text(written([START, step(5), epoch(1), START]))
    history = read_history(file)
    assert (history.steps, history.epochs) == ((), ())


def test_the_last_event_says_how_it_ended(file: Path) -> None:
    file.write_text(written([START, {"kind": "failed", "sentence": "The disk is full."}]))
    history = read_history(file)
    assert (history.of_last_event("kind"), history.of_last_event("sentence")) == (
        "failed",
        "The disk is full.",
    )
    assert history.of_last_event("loss") == ""


def test_it_began_when_it_was_last_started_or_resumed(file: Path) -> None:
    file.write_text(written([{"kind": "saved", "step": 1}]))
    assert read_history(file).started_at == ""
    file.write_text(written([START, step(5), {"kind": "resume", "step": 5}, step(7)]))
    assert read_history(file).started_at == "t2"


def test_each_seed_is_a_course_of_its_own(file: Path) -> None:
    first = [START, step(20), epoch(2, 0.25), {"kind": "end"}]
    second = [START, step(10), epoch(1, 0.75), {"kind": "stopped"}, {"kind": "resume", "step": 10}]
    file.write_text(written([*first, *second]))
    history = read_history(file)
    assert [[one.step for one in course.steps] for course in history.seed_histories] == [[20], [10]]
    assert history.steps == history.seed_histories[1].steps


def test_the_pre_training_of_the_next_seed_begins_its_course(file: Path) -> None:
    one = {"kind": "pretraining", "step": 1, "steps": 4}
    file.write_text(written([one, START, step(20), epoch(2, 0.25), {"kind": "end"}, one]))
    history = read_history(file)
    assert (len(history.seed_histories), history.steps, history.pretraining) == (2, (), True)
    with file.open("a") as events:
        events.write(written([START, step(1)]))
    history = read_history(file)
    assert (len(history.seed_histories), len(history.steps), history.pretraining) == (2, 1, False)


def test_a_course_resumed_while_it_was_measured_is_no_new_one(file: Path) -> None:
    end = {"kind": "end"}
    file.write_text(written([START, step(20), epoch(2), end, {"kind": "resume", "step": 20}, end]))
    assert len(read_history(file).seed_histories) == 1


def test_the_best_seed_is_found_by_its_first_loss() -> None:
    histories = tuple(
        SeedHistory((), (Epoch(1, {"train_loss": loss}),)) for loss in (0.5, 0.25, 0.75)
    )
    history = History(histories)
    assert history.of_kept_seed(0.25).seed_histories == histories[1:2]
    assert history.of_kept_seed(0.125) == history
