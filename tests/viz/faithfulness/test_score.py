"""`clsight score`: any processes, interrupted or not, write the same file."""

import csv
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from tests.tiny_models import tiny_checkpoint, tiny_mpnet, without_mask_token
from viz import METHODS, Classifier
from viz.__main__ import app
from viz.cli.processes import process_rank
from viz.errors import RecordError, SelectionError
from viz.faithfulness import worker_pool
from viz.faithfulness.compare import ComparedMethod, Comparison, compare
from viz.faithfulness.metrics import METRICS
from viz.faithfulness.partial_results import PartialResults
from viz.faithfulness.record import FaithfulnessRecord, load
from viz.faithfulness.score import ScoreRun, default_methods
from viz.faithfulness.score_row import ScoreConfig, score_row
from viz.faithfulness.summary import summarize
from viz.faithfulness.worker_pool import load_same, score_rows
from viz.model.perturbation import OPERATORS, Operator
from viz.model.text_files import Row, open_texts

ROOT = Path(__file__).resolve().parents[3]
TEXTS = (
    "Oil prices rise as stocks fall",
    "team wins the game and the market rise",
    "   ",
    "space probe finds ice on moon, not oil",
    "oil prices",
    "good bad movie was not very good",
    "election peace talks minister wins",
    "the script was bad and the movie was not alert",
    "stocks fall as oil rise and team wins",
)
METHODS_ASKED = "decomposition,attention,occlusion,random:seed=4"
TWO_RANKS = """
import os
import viz.attribution, viz.faithfulness.score
from viz.__main__ import app

for rank in "01":
    if not os.fork():
        os.environ.update(RANK=rank, LOCAL_RANK=rank)
        app()
assert [os.waitstatus_to_exitcode(os.wait()[1]) for _ in "01"] == [0, 0]
"""
"""The command line in two processes that know their places as those of torchrun do.

They import but once.
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS)])
    tiny_checkpoint(path.with_name("twin"), seed=1)
    return path


def judged(data: Path, checkpoint: Path, output: Path, *more: str) -> list[str]:
    """The options of a run that asks a judge too."""
    return options(data, checkpoint, output, "--judge", str(data.with_name("twin")), *more)


def options(data: Path, checkpoint: Path, output: Path, *more: str) -> list[str]:
    named = {"--data": data, "--checkpoint": checkpoint, "--output": output}
    paths = [str(part) for pair in named.items() for part in pair]
    return ["score", *paths, "--methods", METHODS_ASKED, *more]


Options = Callable[..., list[str]]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_without_a_mask_token_everything_is_measured_by_deletion(
    data: Path, tmp_path: Path
) -> None:
    folder = without_mask_token(tmp_path / "plain")
    record = scored(data, folder, tmp_path / "x.json")
    assert set(record.random) == set(record.best) == {"delete"}
    assert all(set(one.under) == {"delete"} for one in record.methods)
    (occlusion,) = [one for one in record.methods if one.name == "occlusion"]
    assert (occlusion.options["operator"], occlusion.shares_operator) == ("delete", "delete")
    asked = options(data, folder, tmp_path / "y.json", "--methods=occlusion:operator=mask")
    refused = run(*asked)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "operator of occlusion can't be 'mask', for the tokenizer of this checkpoint has no mask "
        "token; it can be delete.\n",
    )


def launch(command: list[str], **environment: str) -> "subprocess.Popen[str]":
    """A process of its own, as a cluster would start it."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def scored(
    data: Path, checkpoint: Path, output: Path, *more: str, named: Options = options
) -> FaithfulnessRecord:
    """What one process writes."""
    result = run(*named(data, checkpoint, output, "--processes", "1", *more))
    assert (result.exit_code, result.stdout) == (0, f"{output}\n"), result.output
    return load(output)


@pytest.fixture(scope="module")
def whole(data: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that one process wrote, uninterrupted."""
    path = tmp_path_factory.mktemp("whole") / "whole.json"
    scored(data, checkpoint, path, named=judged)
    return path


def check_same(one: Path, other: Path) -> None:
    """All numbers within 1e-6, and all else alike, but the seconds."""
    contents: list[Any] = [json.loads(path.read_text("utf-8")) for path in (one, other)]
    for content in contents:
        assert set(content.pop("seconds")) == set(METHODS_ASKED.split(","))
    numbers: list[list[float]] = [[], []]
    shapes = [_without_numbers(c, found) for c, found in zip(contents, numbers, strict=True)]
    assert shapes[0] == shapes[1]
    assert len(numbers[0]) > 500
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=0, atol=1e-6)


def _without_numbers(content: Any, numbers: list[float]) -> Any:
    if isinstance(content, dict):
        return {name: _without_numbers(part, numbers) for name, part in content.items()}
    if isinstance(content, list):
        return [_without_numbers(part, numbers) for part in content]
    if isinstance(content, float):
        numbers.append(content)
        return None
    return content


def own_aopc(rows: list[tuple[Comparison, ComparedMethod]], operator: Operator) -> float:
    """The mean AOPC of a method."""
    return float(np.mean([row.measures[operator]["aopc"] for _, row in rows]))


def test_the_file_holds_means_over_texts(data: Path, classifier: Classifier, whole: Path) -> None:
    record = load(whole)
    assert (record.n_texts, record.skipped) == (7, {"too short": 1, "unreadable": 1})
    assert (record.checkpoint, record.fingerprint) == ("tiny-bert", classifier.fingerprint)
    assert [each.method for each in record.methods] == METHODS_ASKED.split(",")
    asked = METHODS_ASKED.split(",")
    found = [
        compare(classifier, classifier.read(text), asked, seed=row)
        for row, text in enumerate(TEXTS)
        if len(text.split()) > 2
    ]
    for at, each in enumerate(record.methods):
        assert each.n_texts == 7
        for operator in OPERATORS:
            under = each.under[operator]
            rows = [(one, one.rows[at]) for one in found]
            for name in METRICS:
                own = np.mean([row.measures[operator][name] for _, row in rows])
                drawn = np.mean([one.random_mean(operator, name) for one in found])
                assert under.means[name] == pytest.approx(own, abs=2e-5)
                assert under.minus_random[name].mean == pytest.approx(own - drawn, abs=2e-5)
                assert record.random[operator][name] == pytest.approx(drawn, abs=2e-5)
            best = np.mean([one.best_aopc(operator) for one in found])
            assert record.best[operator] == pytest.approx(best, abs=2e-5)
            worst = np.mean([one.worst_aopc(operator) for one in found])
            assert record.worst[operator] == pytest.approx(worst, abs=2e-5)
            naopc = (own_aopc(rows, operator) - worst) / (best - worst)
            assert under.naopc is not None
            assert under.naopc.mean == pytest.approx(naopc, abs=1e-4)
            assert 0 <= under.naopc.low <= under.naopc.mean <= under.naopc.high <= 1
    test = record.metric_test
    assert test is not None
    assert (test.method, test.n_texts, set(test.under)) == ("decomposition", 7, set(OPERATORS))
    for operator, metrics in test.under.items():
        for name, tested in metrics.items():
            # The first step is the explanation itself; of so few texts nothing is concluded.
            first = record.methods[0].under[operator].means[name]
            assert tested.means[0] == pytest.approx(first, abs=2e-5)
            assert record.shows(name, operator)
            assert tested.spearman is None
    assert record.default == record.best_method()
    decomposition, attention, occlusion, random = record.methods
    assert not decomposition.under["mask"].minus_default
    difference = attention.under["mask"].minus_default["aopc"].mean
    means = [each.under["mask"].means["aopc"] for each in (attention, decomposition)]
    assert difference == pytest.approx(means[0] - means[1], abs=2e-6)
    assert (decomposition.passes, attention.passes) == (1.8, 0)
    words = [one.n_words for one in found]
    assert occlusion.passes == pytest.approx(np.mean(words) + 1, abs=1e-5)
    assert (occlusion.shares_operator, occlusion.tau_occlusion) == ("mask", 1)
    assert (random.name, random.options) == ("random", {"seed": 4})
    assert set(record.seconds) == set(asked)


def test_a_share_is_the_way_from_random_to_the_best(whole: Path) -> None:
    record = load(whole)
    for each in record.methods:
        for operator, under in each.under.items():
            floor, best = record.random[operator]["aopc"], record.best[operator]
            assert under.share is not None
            expected = (under.means["aopc"] - floor) / (best - floor)
            assert under.share.mean == pytest.approx(expected, abs=1e-4)
            assert under.share.low < under.share.mean < under.share.high <= 1
    merits = {each.method: record.mean_share(each) or 0.0 for each in record.methods}
    del merits["random:seed=4"]  # the control is no explanation
    cheap = {each.method for each in record.methods if each.passes <= 2} & set(merits)
    assert record.best_method() == max(cheap, key=merits.__getitem__)
    assert record.best_method(100) == max(merits, key=merits.__getitem__)
    assert record.best_method(-1) is None


def test_methods_are_held_against_the_best_quick_one(
    data: Path, classifier: Classifier, tmp_path: Path
) -> None:
    texts, config = open_texts(data), ScoreConfig(("attention", "rollout", "saliency"))
    run = ScoreRun(classifier, texts, config, tmp_path / "lines")
    list(run.score(run.rows_left()))
    record = summarize(classifier, texts, config, run.results())
    assert record.default == record.best_method() != "decomposition"
    aopc = {one.method: one.under["mask"].means["aopc"] for one in record.methods}
    for one in record.methods:
        against = one.under["mask"].minus_default
        assert bool(against) == (one.method != record.default)
        if against:
            expected = aopc[one.method] - aopc[record.default]
            assert against["aopc"].mean == pytest.approx(expected, abs=2e-6)


def test_two_processes_of_this_machine_write_what_one_does(
    data: Path, checkpoint: Path, whole: Path, tmp_path: Path
) -> None:
    result = run(*judged(data, checkpoint, tmp_path / "two.json", "--processes", "2"))
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'two.json'}\n"), result.output
    check_same(whole, tmp_path / "two.json")
    assert not (tmp_path / "two.partial").exists()
    judge = load(whole).judge
    assert judge is not None
    assert "'twin' is asked as a judge. No record beside it says whether" in result.stderr
    assert judge.sentence in result.stderr


def test_two_processes_as_torchrun_starts_them_write_what_one_does(
    data: Path, checkpoint: Path, whole: Path, tmp_path: Path
) -> None:
    command = judged(data, checkpoint, tmp_path / "two.json")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    process = launch(["-c", TWO_RANKS, *command], **place)
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert out == f"{tmp_path / 'two.json'}\n"
    check_same(whole, tmp_path / "two.json")


def test_processes_that_share_a_folder_make_one_record(
    data: Path, classifier: Classifier, tmp_path: Path
) -> None:
    texts, config = open_texts(data), ScoreConfig(tuple(METHODS_ASKED.split(",")))
    alone = ScoreRun(classifier, texts, config, tmp_path / "alone")
    assert list(alone.score(alone.rows_left())) == list(range(9))
    shared = ScoreRun(classifier, texts, config, tmp_path / "shared")
    for rank in reversed(range(3)):
        rows = [row for row in shared.rows_left() if row.number % 3 == rank]
        assert list(shared.score(rows, rank)) == [rank, rank + 3, rank + 6]
    assert shared.rows_left() == []
    records = [summarize(classifier, texts, config, each.results()) for each in (alone, shared)]
    for record in records:
        object.__setattr__(record, "seconds", {})
    assert records[0] == records[1]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on_and_writes_the_same_file(
    sign: signal.Signals,
    data: Path,
    checkpoint: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "out.json"
    rows: list[int] = []

    def interrupted(*arguments: Any) -> Any:
        rows.append(arguments[1].number)
        if len(rows) == 5:
            signal.raise_signal(sign)
        return score_row(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(worker_pool, "score_row", interrupted)
        stopped = run(*judged(data, checkpoint, output, "--processes", "1"))
    assert stopped.exit_code != 0
    assert "Stopped; 4 of 9 texts are scored and kept; run the same command" in stopped.stderr
    assert not output.exists()
    shard = tmp_path / "out.partial" / "shard-0.jsonl"
    assert len(shard.read_text("utf-8").splitlines()) == 4
    with shard.open("a", encoding="utf-8") as file:
        file.write('{"row": 4, "settings')  # killed while it wrote

    def noted(*arguments: Any) -> Any:
        rows.append(arguments[1].number)
        return score_row(*arguments)

    rows.clear()
    monkeypatch.setattr(worker_pool, "score_row", noted)
    result = run(*judged(data, checkpoint, output, "--processes", "1"))
    assert result.exit_code == 0
    assert "4 of 9 texts are scored already." in result.stderr
    assert rows == [4, 5, 6, 7, 8]
    check_same(whole, output)
    assert not shard.parent.exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_first_one(
    sign: signal.Signals, checkpoint: Path, tmp_path: Path
) -> None:
    data, results = tmp_path / "many.csv", tmp_path / "out.partial" / "shard-0.jsonl"
    words = ("oil", "prices", "rise", "as", "stocks", "fall")
    rows = (" ".join(words[(n + k) % 6] for k in range(6)) + f" {n}" for n in range(3000))
    data.write_text("text\n" + "\n".join(rows) + "\n", "utf-8")
    command = options(data, checkpoint, tmp_path / "out.json", "--processes", "2")
    first = launch(["-m", "viz", *command])
    deadline = time.monotonic() + 120
    # The other process takes the first two rows; this one goes on without waiting for them.
    while not (results.exists() and '"row": 0,' in results.read_text("utf-8")):
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.1)
    if sign == signal.SIGINT:
        os.killpg(first.pid, sign)  # as a terminal does
    else:
        first.send_signal(sign)
    # Ends when all that could write into the pipes are gone, the other process too.
    _, errors = first.communicate(timeout=60)
    assert first.returncode != 0
    assert not (tmp_path / "out.json").exists()
    assert errors.count("texts are scored and kept") == (sign == signal.SIGINT)
    assert "Traceback" not in errors


def test_a_process_that_is_killed_is_one_sentence(
    data: Path, checkpoint: Path, classifier: Classifier
) -> None:
    rows, config = open_texts(data).rows, ScoreConfig(("attention",))
    load = partial(Classifier.load, checkpoint)
    running = score_rows(rows * 1000, classifier, config, n_processes=2, load=load)
    next(running)
    (worker,) = multiprocessing.active_children()
    worker.kill()
    with pytest.raises(SelectionError, match=r"^One of the processes ended early, probably for"):
        list(running)
    assert multiprocessing.active_children() == []


def test_a_process_with_other_weights_scores_nothing(
    checkpoint: Path, classifier: Classifier, tmp_path: Path
) -> None:
    assert load_same(partial(Classifier.load, checkpoint), classifier.fingerprint)
    load = partial(Classifier.load, tiny_checkpoint(tmp_path / "other", seed=1))
    with pytest.raises(SelectionError, match=r"^The checkpoint was replaced while its texts were"):
        load_same(load, classifier.fingerprint)


def test_results_of_another_run_are_not_taken(
    data: Path, classifier: Classifier, tmp_path: Path
) -> None:
    def left(config: ScoreConfig, limit: int | None = None) -> int:
        return len(
            ScoreRun(classifier, open_texts(data, limit=limit), config, tmp_path).rows_left()
        )

    config = ScoreConfig(("attention",))
    first = ScoreRun(classifier, open_texts(data), config, tmp_path)
    running = first.score(first.rows_left())
    next(running)
    running.close()
    assert (left(config), left(config, 3)) == (8, 2)
    for other in (ScoreConfig(("attention",), seed=1), ScoreConfig(("attention", "rollout"))):
        assert left(other) == 9


def test_two_runs_do_not_write_into_one_folder(
    data: Path, classifier: Classifier, tmp_path: Path
) -> None:
    texts, config = open_texts(data), ScoreConfig(("attention",))
    first, other = (ScoreRun(classifier, texts, config, tmp_path) for _ in range(2))
    running = first.score(texts.rows)
    next(running)
    with pytest.raises(SelectionError, match=r"^Another run is writing into '.*'; wait until it"):
        next(other.score(texts.rows))


def test_what_follows_a_line_cut_short_is_read(tmp_path: Path) -> None:
    partial_results = PartialResults(tmp_path, "abc")
    with partial_results.writer() as add:
        add(1, {"skipped": "one"})
        with (tmp_path / "shard-0.jsonl").open("ab") as stream:
            stream.write(b'{"row": 2, "sett')
        assert set(partial_results.load()) == {1}
        add(3, {"skipped": "three"})
    found = {row: result["skipped"] for row, result in partial_results.load().items()}
    assert found == {1: "one", 3: "three"}


def test_a_run_that_ends_removes_its_own_results_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out.partial"
    stopped, ended = (PartialResults(folder, name) for name in ("stopped", "ended"))
    for results, rows in ((stopped, (0, 1)), (ended, (0, 1, 7))):
        with results.writer() as add:
            for row in rows:
                add(row, {"skipped": "one"})
    with stopped.writer() as add:
        ended.remove({0, 1})  # touches no file that another run is writing into
        add(2, {"skipped": "two"})
    assert set(ended.load()) == {0, 1, 7}
    ended.remove({0, 1})
    assert set(stopped.load()) == {0, 1, 2}
    assert set(ended.load()) == {7}  # was beyond a --limit
    stopped.remove({0, 1, 2})
    ended.remove({7})
    assert not folder.exists()


DAMAGES: dict[str, tuple[str, str]] = {
    "a measure less": ('"random": {"mask": [', '"random": {"mask": ["x", '),
    "a method that has another name": ('"attention"', '"saliency"'),
    "an operator that is none": ('"delete"', '"remove"'),
    "a number that has no end": ('"seconds": ', '"seconds": 1e999, "other": '),
    "a negative row": ('"row": ', '"row": -'),
    "nesting without an end": ('"best": ', '"best": ' + "[" * 100_000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_scored_again(
    data: Path, classifier: Classifier, tmp_path: Path, damage: str
) -> None:
    texts, config = open_texts(data, limit=2), ScoreConfig(("attention",))
    assert [*ScoreRun(classifier, texts, config, tmp_path).score(texts.rows)] == [0, 1]
    shard = tmp_path / "shard-0.jsonl"
    first, second = shard.read_text("utf-8").splitlines(keepends=True)
    assert DAMAGES[damage][0] in second
    shard.write_text(first + second.replace(*DAMAGES[damage]), "utf-8")
    again = ScoreRun(classifier, texts, config, tmp_path)
    assert [*again.score(again.rows_left())] == [1]
    assert len(again.results()) == 2


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_method_that_is_refused_is_in_the_file_with_its_sentence(
    data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.json"
    folder = tiny_mpnet(tmp_path / "mpnet")
    result = run(*options(data, folder, output, "--processes", "1"))
    assert result.exit_code == 0
    assert "decomposition: The decomposition does not add up" in result.stderr
    record = load(output)
    refused, attention, *_ = record.methods
    assert refused.refused is not None
    assert (refused.n_texts, refused.under, record.mean_share(refused)) == (0, {}, None)
    assert attention.under["mask"].minus_default == {}
    assert load(output).best_method() == "attention"


def test_the_file_is_read_back_as_it_was_written(whole: Path, tmp_path: Path) -> None:
    record = load(whole)
    again = tmp_path / "again.json"
    again.write_text(record.to_json(), "utf-8")
    assert load(again) == record


def test_what_cannot_be_read_back_replaces_no_record(
    data: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.json"
    asked = (*options(data, checkpoint, output, "--processes", "1"), "--methods", "attention")
    output.write_text("before", "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(FaithfulnessRecord, "to_json", lambda record: '{"format": 1}')
        refused = run(*asked)
    assert (refused.exit_code, output.read_text("utf-8")) == (1, "before")
    assert refused.stderr.endswith(
        "The record is damaged: in 'checkpoint', field required; that is a fault of CLSight, so "
        "nothing was written; please report it.\n"
    )
    again = run(*asked)
    assert again.exit_code == 0
    assert "9 of 9 texts are scored already." in again.stderr
    assert load(output).n_texts == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged: it isn't JSON ("),
        ("[]", "is damaged: input should be "),
        ('{"format": 1, "methods": [{}]}', "is damaged: in 'checkpoint', field required; write it"),
        ('{"format": 99}', "has format 99, and this version of CLSight reads 1; write it again"),
    ],
)
def test_a_file_that_is_no_record_is_one_sentence(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "faithfulness.json"
    path.write_text(content, "utf-8")
    with pytest.raises(RecordError) as caught:
        load(path)
    assert str(caught.value).startswith(f"'faithfulness.json' {message}")
    assert str(caught.value).endswith("; write it again with `clsight score`.")
    with pytest.raises(RecordError, match=r"can't be read: No such file or directory; write it a"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--methods", "lime2"), "Unknown method 'lime2'; known are "),
        (("--methods", "attention,attention"), "A method was named twice; name each once."),
        (("--methods", ","), "No method was named; give at least one with --methods."),
        (("--seed", "-1"), "--seed -1 is negative; give 0 or more."),
        (
            ("--seed", str(2**63)),
            f"--seed {2**63} is too large; give at most {2**63 - 1}.",
        ),
        (("--limit", "0"), "--limit 0 leaves no row; give 1 or more."),
        (("--processes", "0"), "--processes 0 does nothing; give 1 or more."),
        (
            ("--text-column", "body"),
            "No column 'body' in 'texts.csv'; --text-column can be 'text'",
        ),
        (("--output", "."), "'.' is a folder; --output names a file."),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    data: Path, checkpoint: Path, tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    result = run(*options(data, checkpoint, tmp_path / "out.json", *more))
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("named", "option"),
    [
        (("--output", "data"), "--output"),
        (("--output", "link"), "--output"),
        (("--output", "out", "--table", "data"), "--table"),
        (("--output", "out.md", "--table", "out.md"), "--table"),
        (("--output", "out", "--table", "out.md", "--table", "out.md"), "--table"),
    ],
)
def test_no_file_is_written_over_another(
    data: Path, checkpoint: Path, tmp_path: Path, named: tuple[str, ...], option: str
) -> None:
    before = data.read_bytes()
    (tmp_path / "link.csv").hardlink_to(data)
    files = {"data": data, "link": tmp_path / "link.csv"}
    words = [w if w[0] == "-" else str(files.get(w, tmp_path / w)) for w in named]
    result = run("score", "--data", str(data), "--checkpoint", str(checkpoint), *words)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.endswith(f"would be written over; name another file with {option}.")
    assert data.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_texts_that_are_all_too_short_are_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    data = tmp_path / "texts.csv"
    data.write_text("text\noil\nteam wins\n", "utf-8")
    result = run(*options(data, checkpoint, tmp_path / "out.json", "--processes", "1"))
    assert result.exit_code == 1
    assert result.stderr == (
        "Of 2 texts of 'texts.csv' none can be measured (2 too short); give others, of at least 3 "
        "words.\n"
    )


@pytest.mark.parametrize("judged", [True, False])
def test_a_text_whose_versions_have_no_finite_logits_is_skipped_and_counted(
    checkpoint: Path, tmp_path: Path, *, judged: bool
) -> None:
    data, damaged = tmp_path / "texts.csv", tiny_checkpoint(tmp_path / "damaged")
    data.write_text("text\noil prices rise as stocks fall\npeace talks in the game\n", "utf-8")
    file, tokenizer = damaged / "model.safetensors", Classifier.load(damaged).tokenizer
    weights = load_file(file)
    token = tokenizer.convert_tokens_to_ids("peace") if judged else tokenizer.mask_token_id
    weights["bert.embeddings.word_embeddings.weight"][token] = 3e38  # finite, unlike its square
    save_file(weights, file, {"format": "pt"})
    if judged:
        more = ("--judge", str(damaged))
        record = scored(data, checkpoint, tmp_path / "out.json", *more)
        assert (record.n_texts, record.skipped["no finite logits"]) == (1, 1)
    else:
        result = run(*options(data, damaged, tmp_path / "out.json", "--processes", "1"))
        assert (result.exit_code, result.stderr) == (
            1,
            "Of 2 texts of 'texts.csv' none can be measured (2 no finite logits); give others, of "
            "at least 3 words.\n",
        )


def test_a_text_without_finite_logits_of_its_own_is_skipped(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint, device="cpu")
    with torch.no_grad():
        classifier.model.get_submodule("classifier").bias.fill_(float("inf"))
    row, config = Row(0, "oil prices rise as stocks fall", None, None), ScoreConfig(("attention",))
    assert score_row(classifier, row, config) == {"skipped": "no finite logits"}


def test_a_checkpoint_without_a_folder_needs_an_output(data: Path) -> None:
    result = run("score", "--data", str(data), "--checkpoint", "owner/name")
    assert result.exit_code == 1
    assert result.stderr == (
        "'owner/name' has no folder on this machine to write faithfulness.json into; name a file "
        "with --output.\n"
    )


def test_a_checkpoint_that_does_not_exist_is_said_to_be(data: Path) -> None:
    result = run("score", "--data", str(data), "--checkpoint", "./nowhere")
    assert result.exit_code == 1
    assert result.stderr.startswith("There is no folder './nowhere'; give a checkpoint folder")


@pytest.mark.parametrize("given", [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("0", "2")])
def test_a_rank_that_makes_no_sense_is_one_sentence(given: tuple[str, str]) -> None:
    with pytest.raises(SelectionError, match=r"^RANK .* is not a process of torchrun; unset"):
        process_rank({"RANK": given[0], "WORLD_SIZE": given[1]})


def test_a_process_takes_its_place_from_torchrun() -> None:
    assert process_rank({}) == (0, 1)
    started = {"RANK": "3", "WORLD_SIZE": "8", "MASTER_ADDR": "localhost"}
    assert process_rank(started) == (3, 8)


def test_methods_that_take_too_long_are_scored_only_where_they_are_named() -> None:
    chosen = default_methods()
    assert chosen[0] == next(iter(METHODS))
    assert set(chosen) == {name for name, method in METHODS.items() if method.cost <= 700}


def test_one_text_is_told_in_the_singular_and_with_a_caution(
    checkpoint: Path, tmp_path: Path
) -> None:
    data = tmp_path / "one.csv"
    data.write_text("text\noil prices rise\n", "utf-8")
    where = ("--methods", "attention", "--table", str(tmp_path / "t.md"))
    result = run(*options(data, checkpoint, tmp_path / "out.json", "--processes", "1", *where))
    assert result.exit_code == 0, result.output
    assert "Only 1 text was measured, so that intervals have no width" in result.stderr
    written = (tmp_path / "t.md").read_text("utf-8")
    assert " on 1 text of one.csv (" in written
    assert "1 texts" not in written + result.stderr


@pytest.mark.parametrize(("label", "known"), [("World", True), ("Weather", False), ("", None)])
def test_labels_of_other_classes_are_said_to_leave_out_the_accuracy(
    data: Path, checkpoint: Path, tmp_path: Path, label: str, known: bool | None
) -> None:
    labeled = tmp_path / "labeled.csv"
    labeled.write_text(f"text,label\noil prices rise,{label}\n", "utf-8")
    twin = str(data.with_name("twin"))
    result = run(*options(labeled, checkpoint, tmp_path / "out.json", "--judge", twin))
    assert result.exit_code == 0, result.output
    said = "Accuracy is not measured, since not all labels in column 'label' are classes of"
    assert (said in result.stderr) == (known is False)
    assert ("is right for" in result.stderr) == (known is True)
