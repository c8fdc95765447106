"""The check on the command line and before the first step: one fact is told once."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer
from typer.testing import CliRunner, Result

from finetune.__main__ import app
from finetune.checkpoint.windows import WindowSettings
from finetune.data.check import Finding, InputSettings, check_splits
from finetune.data.check.report import NOT_COUNTED
from finetune.data.source_rows import find_splits
from finetune.errors import DataError
from finetune.evaluation.report.card import model_card
from finetune.run.config import TrainConfig
from finetune.run.record import RunRecord
from finetune.training.prepare import describe_prepared, prepare_run
from finetune.training.train import train
from tests.finetune.news import news, write_csv, write_jsonl


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def misspelled(rows: int = 60) -> list[dict[str, str]]:
    """News of which the first row writes its class in other case, as the tenth repeats it."""
    made = news(rows)
    return [made[0] | {"label": "business"}, *made[1:], made[9], made[3] | {"label": "business"}]


def config(data: Path, base: Path, output: Path, **settings: Any) -> TrainConfig:
    return TrainConfig(
        data=(str(data),),
        model=str(base),
        output=output,
        epochs=1,
        batch_size=8,
        baseline=False,
        **settings,
    )


def test_the_command_reports_and_is_content(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    result = call("--data", write_csv(tmp_path / "x.csv", news(60)), "--json", file)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Rows: 60 train; 3 classes.\n")
    assert "No problems found in this data." in result.stdout
    assert result.stdout.count(NOT_COUNTED) == 1
    assert json.loads(file.read_text("utf-8"))["fatal"] is False


def test_what_steers_a_terminal_is_shown_as_a_box(tmp_path: Path) -> None:
    steering = "\x1b]0;title\x07 \x1b[2J\x9b2J \u202eoil"
    torn = [{"text": steering, "label": label} for label in ("World", "\x1b[31m\nred")]
    result = call("--data", write_jsonl(tmp_path / "x.jsonl", [*news(60), *torn, *torn]))
    (line,) = (line for line in result.stdout.splitlines() if " / " in line)
    boxed = "\ufffd]0;title\ufffd \ufffd[2J\ufffd2J \ufffdoil"
    assert line.endswith(f"World / \ufffd[31m red: {boxed}")
    assert "\x1b" not in result.output


def test_the_command_ends_with_the_sentence_of_what_is_fatal(tmp_path: Path) -> None:
    result = call("--data", write_csv(tmp_path / "x.csv", misspelled()))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Labels that differ only by case")
    assert f"  stop     {line}." in result.stdout


def test_a_missing_file_and_a_length_without_a_model_are_one_sentence(tmp_path: Path) -> None:
    assert call("--data", tmp_path / "no.csv").stderr.startswith("no file or folder")
    data = write_csv(tmp_path / "x.csv", news(30))
    assert call("--data", data, "--max-length", 16).stderr.startswith("--max-length counts tokens")


def test_truncation_is_counted_by_the_tokenizer_and_stops_at_what_the_model_reads(
    tmp_path: Path, base: Path
) -> None:
    made = news(40)
    long = [row | {"text": f"{row['text']} {row['text']} {i}"} for i, row in enumerate(made[:8])]
    data = write_csv(tmp_path / "x.csv", [*long, *made[8:]])
    found = find_splits(config(data, base, tmp_path / "out"))
    tokenizer = AutoTokenizer.from_pretrained(base)
    lengths = [len(tokenizer(text)["input_ids"]) for text in found.rows["train"].texts]
    for limit in (8, 9, 12):
        reading = InputSettings(tokenizer=tokenizer, max_length=limit)
        counted = [f.count for f in check_splits(found, reading).findings if f.kind == "truncated"]
        assert sum(counted) == sum(length > limit for length in lengths)
    result = call("--data", data, "--model", base, "--max-length", 8)
    many = sum(length > 8 for length in lengths)
    assert (
        f"warning  {many / 40:.1%} of train (rows: {many}) have more than 8 tokens" in result.stdout
    )
    assert NOT_COUNTED not in result.stdout
    assert "reads" in call("--data", data, "--model", base, "--max-length", 100_000).stderr


def too_long(data: Path, base: Path, **settings: Any) -> dict[str, Finding]:
    """What is said of long texts of either split, read by *settings*."""
    found = find_splits(config(data, base, data.parent / "out", validation=str(data)))
    tokenizer = AutoTokenizer.from_pretrained(base)
    report = check_splits(found, InputSettings(tokenizer=tokenizer, max_length=8, **settings))
    findings = [finding for finding in report.findings if finding.kind == "truncated"]
    return {role: f for f in findings for role in ("train", "validation") if role in f.sentence}


@pytest.fixture
def long_news(tmp_path: Path) -> Path:
    """A file of news longer than 8 tokens."""
    rows = [row | {"text": f"{row['text']} {row['text']} {i}"} for i, row in enumerate(news(20))]
    return write_csv(tmp_path / "long.csv", rows)


@pytest.mark.parametrize(
    ("truncation", "part"), [("head", "end"), ("tail", "beginning"), ("head+tail", "middle")]
)
def test_the_part_that_long_texts_lose_is_named(
    long_news: Path, base: Path, truncation: str, part: str
) -> None:
    told = too_long(long_news, base, truncation=truncation)
    assert [finding.severity for finding in told.values()] == ["warning"] * 2
    for role, finding in told.items():
        assert finding.sentence == (
            f"100.0% of {role} (rows: 20) have more than 8 tokens and lose their {part}."
        )


def test_windows_lose_nothing(long_news: Path, base: Path) -> None:
    told = too_long(long_news, base, windows=WindowSettings(stride=4), windows_of_epoch=8)
    assert [finding.severity for finding in told.values()] == ["note"] * 2
    assert told["validation"].sentence.endswith("tokens and are measured whole, in windows.")
    assert told["train"].sentence.endswith(
        "are read in windows, 8 of a text at most in an epoch, drawn at random."
    )
    told = too_long(long_news, base, windows=WindowSettings(stride=4))
    assert told["train"].sentence.endswith("are read in windows.")
    first = WindowSettings(stride=4, pooling="first")
    told = too_long(long_news, base, windows=first, windows_of_epoch=1)
    for finding in told.values():
        assert finding.severity == "warning"
        assert finding.sentence.endswith("lose what lies behind their first window.")


def test_the_command_takes_the_choices_of_train(
    long_news: Path, base: Path, tmp_path: Path
) -> None:
    call_of = ("--data", long_news, "--model", base, "--max-length", 8)
    assert "lose their middle." in call(*call_of, "--truncation", "head+tail").stdout
    windows = call(*call_of, "--validation", long_news, "--window-stride", 4).stdout
    assert "measured whole, in windows" in windows
    gaps = call(*call_of, "--window-stride", 7).stderr
    assert "--window-stride is 7; a window of 8 tokens holds 6 of the text" in gaps
    pairs = [{"text1": "one", "text2": f"two {i}", "label": "ab"[i % 2]} for i in range(20)]
    data = write_csv(tmp_path / "pairs.csv", pairs)
    assert "leave it out for pairs" in call("--data", data, "--window-stride", 4).stderr


def test_a_run_says_which_part_its_long_texts_lose(
    long_news: Path, base: Path, tmp_path: Path
) -> None:
    settings = config(long_news, base, tmp_path / "out", max_length=8, truncation="tail")
    assert any("lose their beginning." in line for line in describe_prepared(prepare_run(settings)))


def test_a_run_stops_before_its_first_step_and_leaves_nothing(tmp_path: Path, base: Path) -> None:
    data = write_csv(tmp_path / "x.csv", misspelled())
    with pytest.raises(
        DataError, match=r"write them the same way, or give --ignore-check to train"
    ):
        train(config(data, base, tmp_path / "out"), say=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_a_run_may_ignore_the_check_and_then_says_all_of_it_once(
    tmp_path: Path, base: Path
) -> None:
    rows = [*misspelled(), {"text": " ", "label": "World"}]
    said: list[str] = []
    output = tmp_path / "out"
    data = write_csv(tmp_path / "x.csv", rows)
    record = train(config(data, base, output, ignore_check=True), say=said.append)
    assert "--ignore-check" in record.command
    assert record.check[0].startswith("Labels that differ only by case")
    assert [line.removeprefix("Check: ") for line in said if line.startswith("Check: ")] == list(
        record.check
    )
    assert len([line for line in said if "blank text" in line]) == 1
    assert RunRecord.load(output).check == record.check
    card = (output / "README.md").read_text("utf-8")
    assert [card.count(sentence) for sentence in (*record.check, *record.notes)] == [1] * len(
        (*record.check, *record.notes)
    )
    saved = json.loads((output / "check.json").read_text("utf-8"))
    assert "blank text" in {finding["kind"] for finding in saved["findings"]}
    assert "examples" not in saved["findings"][0]


def test_a_record_from_before_the_check_still_loads_and_its_card_says_nothing_of_it(
    record: RunRecord, tmp_path: Path
) -> None:
    record.save(tmp_path)
    values = json.loads((tmp_path / "run.json").read_text("utf-8"))
    del values["check"]
    (tmp_path / "run.json").write_text(json.dumps(values), "utf-8")
    assert RunRecord.load(tmp_path).check == ()
    assert "data check" not in model_card(record)
