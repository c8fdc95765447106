"""Whether CLSight will open what is trained is said before the first step, and is true."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.attention_support import unsupported_reason
from tests.finetune.news import news, write_csv
from tests.tiny_models import tiny_base, tiny_config, tokenizer
from viz import Classifier
from viz.errors import CheckpointError

SHOWN = (
    "bert", "albert", "deberta-v2", "mpnet", "modernbert", "nomic_bert", "mobilebert", "roformer",
)  # fmt: skip
NOT_SHOWN = (
    "funnel", "convbert", "squeezebert", "longformer", "fnet", "mra", "reformer", "yoso",
    "big_bird",
)  # fmt: skip


@pytest.mark.parametrize("kind", [*SHOWN, *NOT_SHOWN])
def test_what_is_said_of_a_family_is_what_the_read_page_does(kind: str, tmp_path: Path) -> None:
    config = tiny_config(kind)
    sentence = unsupported_reason(config)
    assert (sentence is None) == (kind in SHOWN)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path)
    words = tokenizer("bert")
    words.model_input_names = ["input_ids", "attention_mask"]
    words.save_pretrained(tmp_path)
    if sentence is None:
        assert Classifier.load(tmp_path).read("oil prices rise").attention.weights.shape[0] == 2
    else:
        assert f"from this {kind} model can't be opened" in sentence
        with pytest.raises(CheckpointError):
            Classifier.load(tmp_path)


def test_a_large_model_is_asked_by_a_small_one_and_no_random_number_is_taken() -> None:
    config = BertConfig(num_hidden_layers=48, vocab_size=1_000_000)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    assert unsupported_reason(config) is None
    assert torch.rand(1) == expected
    assert (config.num_hidden_layers, config.vocab_size) == (48, 1_000_000)


def test_check_says_it_where_the_base_model_is_named(tmp_path: Path) -> None:
    data, base = write_csv(tmp_path / "news.csv", news(60)), tiny_base(tmp_path / "base", "fnet")
    result = CliRunner().invoke(app, ["check", "--data", str(data), "--model", str(base)])
    assert result.exit_code == 0, result.output
    assert (
        "warning  A classifier trained from this fnet model can't be opened on the Read page"
        in result.output
    )
