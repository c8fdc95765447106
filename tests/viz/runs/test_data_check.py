"""Data are checked by a process that stays ready, and end with one sentence where they can't be."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from viz.errors import RunError
from viz.jobs.cancellation import CancelledError, cancellation_check
from viz.model.classifier import default_checkpoint
from viz.runs import data_check
from viz.runs.data_check import CheckProcess, CheckProcesses


@pytest.fixture(scope="module", autouse=True)
def ready() -> Iterator[None]:
    """One process for all of these tests."""
    data_check.prepare()
    yield
    process = data_check._processes._take()
    assert process is not None
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert process._process.wait(60) == 0  # so it leaves nothing behind, however the app ends
    process.end()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of rows with nothing to say against."""
    file = tmp_path / "rows.csv"
    lines = [f"{'ab'[i % 2]} sentence number {i},{'ab'[i % 2]}\n" for i in range(40)]
    file.write_text("text,label\n" + "".join(lines))
    return file


@pytest.mark.parametrize("name", ["a\0b", "n" * 200_000, "\ud800"])
def test_a_column_that_no_command_can_name_is_one_sentence(name: str) -> None:
    with pytest.raises(RunError, match="can't be passed to a run"):
        data_check.check(["--data=x.csv", f"--text-column={name}"])


def test_the_check_gives_its_findings(tmp_path: Path) -> None:
    one_class = tmp_path / "one.csv"
    one_class.write_text("text,label\n" + "".join(f"word {i},same\n" for i in range(30)))
    held_out = tmp_path / "held.csv"
    held_out.write_text("text,label\nanother word,same\n")
    report = data_check.check([f"--data={one_class}", f"--validation={held_out}"])
    assert report.fatal
    assert report.rows == {"train": 30, "validation": 1}


def test_a_check_that_makes_no_report_gives_its_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(RunError, match=r"empty\.csv"):
        data_check.check([f"--data={empty}"])


def test_the_check_counts_long_texts_with_a_model(tmp_path: Path) -> None:
    data = tmp_path / "long.csv"
    rows = [f"word {'again ' * i},{'ab'[i % 2]}\n" for i in range(30)]
    data.write_text("text,label\n" + "".join(rows))
    options = [f"--data={data}", f"--model={default_checkpoint()}", "--max-length=16"]
    report = data_check.check(options)
    assert report.truncation_counted
    (told,) = [f.sentence for f in report.findings if f.kind == "truncated"]
    assert "have more than 16 tokens and lose their end" in told
    assert not data_check.check(options[:1]).truncation_counted


def test_the_sentence_of_a_check_names_no_option(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("文本,标签\n好,a\n")
    for options in ([], ["--text-column=text"], ["--text-column=文本", "--label-column=no"]):
        with pytest.raises(RunError) as refused:
            data_check.check([f"--data={data}", *options])
        assert "'文本', '标签'" in str(refused.value)
        assert "--" not in str(refused.value)


def test_one_process_makes_one_check_after_the_other(rows: Path) -> None:
    first = data_check.check([f"--data={rows}"])
    process = data_check._processes._idle
    assert process is not None
    assert data_check.check([f"--data={rows}"]) == first
    assert data_check._processes._idle is process


def test_a_process_that_was_killed_is_replaced(rows: Path) -> None:
    data_check.prepare()
    killed = data_check._processes._idle
    assert killed is not None
    killed._process.kill()
    killed._process.wait()
    assert not data_check.check([f"--data={rows}"]).fatal
    assert data_check._processes._idle is not killed


def test_a_process_that_ends_during_a_check_gives_no_sentence() -> None:
    process = CheckProcess()
    process._process.kill()
    assert process.check(["--data=rows.csv"]) == ""
    process.end()


def test_a_check_that_nobody_waits_for_ends_with_its_process(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_check, "UNCANCELED_SECONDS", 0.01)
    monkeypatch.setattr(data_check, "POLL_SECONDS", 0.01)
    processes = CheckProcesses()

    def cancel() -> None:
        raise CancelledError

    with cancellation_check(cancel), pytest.raises(CancelledError):
        processes.check([f"--data={rows}"])
    assert processes._idle is None


def test_a_process_that_is_idle_for_a_while_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_check, "IDLE_SECONDS", 0.05)
    processes = CheckProcesses()
    processes.prepare()
    process = processes._idle
    assert process is not None
    until = time.monotonic() + 30
    while process.is_alive and time.monotonic() < until:
        time.sleep(0.01)
    assert not process.is_alive
    assert processes._idle is None
