"""Whatever others wrote stands in a model card letter by letter, and does nothing there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from finetune.data.tables.safe_text import WORD_JOINER
from finetune.evaluation.metrics import measure_classes
from finetune.evaluation.report.card import model_card, write_card
from finetune.evaluation.report.markdown import code, escaped, table
from finetune.run.record import BaselineRecord, RunRecord
from tests.hostile_names import HOSTILE_NAMES, on_a_line, render_markdown


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_a_name_is_shown_letter_by_letter(text: str) -> None:
    for markdown in (escaped(text), f"# {escaped(text)}", f"- {escaped(text)}"):
        found = render_markdown(markdown)
        assert found.text.replace(WORD_JOINER, "").strip() == on_a_line(text)
        assert set(found.tags) <= {"p", "h1", "ul", "li"}
    found = render_markdown(table(["class", escaped(text)], [[escaped(text), "1"]]))
    assert found.tags.count("td") == found.tags.count("th") == 2
    assert "a" not in found.tags


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_a_block_of_code_ends_where_it_should(text: str) -> None:
    found = render_markdown(code(text.replace("\ud83d", "?"), "sh") + "\n\nafter")
    assert found.tags == ["pre", "code", "p"]
    assert found.text.endswith("after\n")


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_names_in_every_place_of_a_card_change_nothing_of_it(
    text: str, record: RunRecord, tmp_path: Path
) -> None:
    known = replace(
        record,
        baselines=(
            BaselineRecord(
                name="plain", setting="words", validation=record.validation, test=None, seconds=1.0
            ),
        ),
    )
    labels = (text, f"{text} 2")
    validation = measure_classes(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), labels)
    counts = dict.fromkeys(labels, 2)
    evil = replace(
        known,
        command=f"clsight train --data '{text}'",
        base=text,
        labels=labels,
        data_name=text,
        data_terms=text,
        settings=record.settings | {"output": text},
        splits={name: replace(s, class_counts=counts) for name, s in record.splits.items()},
        validation_origin=text,
        notes=(text,),
        check=(text,),
        device=text,
        versions={"torch": text},
        validation=validation,
        baselines=(replace(known.baselines[0], name=text, setting=text, validation=validation),),
    )
    write_card(evil, tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    _, head, body = card.split("---\n", 2)
    usual = replace(known, check=("x",), data_terms="x", base="x y")
    _, plain_head, plain_body = model_card(usual, ()).split("---\n", 2)
    values = yaml.safe_load(head)
    assert values.keys() - {"base_model"} == yaml.safe_load(plain_head).keys()
    assert values["model-index"][0]["name"] == on_a_line(text)
    assert render_markdown(body).tags == render_markdown(plain_body).tags
    evil.save(tmp_path)
    assert RunRecord.load(tmp_path).notes == (text.replace("\ud83d", "\ufffd"),)
