"""`clsight families`: what is printed is what was proved, and what was proved holds."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)
from typer.testing import CliRunner

from tests.family_record import record_of
from tests.finetune.news import news, write_csv
from viz.cli.main import app
from viz.model.family_record import family_records

NAMED = (
    "modernbert", "deberta", "deberta-v2", "mpnet", "xlnet", "gpt2", "llama", "qwen2", "qwen3",
    "mistral", "gemma2", "gemma3", "gemma3_text", "eurobert", "nomic_bert", "gte", "albert",
    "xlm-roberta", "roformer", "rembert", "big_bird", "t5", "bart",
)  # fmt: skip
"""Families that people fine-tune: each is explained exactly, and can be trained."""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["families", *arguments])
    return result.exit_code, result.output


def test_every_family_of_transformers_is_listed_once_as_it_was_tried() -> None:
    records = family_records()
    assert set(records.families) == set(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES)
    assert records.transformers == version("transformers")


def test_at_least_a_hundred_families_open_and_add_up() -> None:
    families = family_records().families
    assert sum(not each.opens for each in families.values()) >= 120
    assert sum(not (each.opens or each.decomposition) for each in families.values()) >= 120
    assert sum(not (each.opens or each.attention) for each in families.values()) >= 105
    for name in NAMED:
        assert not families[name].decomposition, name
        assert not families[name].trains, name


@pytest.mark.parametrize("family", ["eurobert", "jamba"])
def test_what_is_recorded_of_a_family_holds(family: str, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "news.csv", news(24))
    assert record_of(family, data) == family_records().families[family]


def test_a_table_has_a_line_for_each_family() -> None:
    code, output = run()
    header, *lines = output.splitlines()
    assert code == 0
    assert header.split() == ["family", "attention", "exact", "heads", "layers", "trains"]
    assert [line.split()[0] for line in lines] == sorted(family_records().families)


def test_a_family_by_name_says_what_it_refuses() -> None:
    code, output = run("bert", "fnet")
    assert code == 0
    lines = output.splitlines()
    assert lines[1].split() == ["bert", "yes", "yes", "yes", "5", "yes"]
    assert lines[2].split() == ["fnet", "–", "yes", "–", "–", "yes"]
    assert lines[-1].startswith("fnet: This model has no attention to show: ")


def test_numbers_for_programs() -> None:
    code, output = run("gpt2", "--json")
    assert code == 0
    assert json.loads(output)["families"]["gpt2"]["reads"] == "last"


def test_a_family_that_does_not_exist_is_one_sentence() -> None:
    code, output = run("perceptron9000")
    assert code == 1
    assert "'perceptron9000' is none of the 127 families" in output
