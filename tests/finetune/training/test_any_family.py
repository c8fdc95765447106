"""What can be trained can be opened: three steps on a tiny base of each family."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.family_training import train_three_steps
from tests.finetune.news import news, write_csv

ENCODERS = (
    "bert", "roberta", "xlm-roberta", "electra", "distilbert", "albert", "deberta-v2", "mpnet",
    "modernbert", "eurobert mean", "nomic_bert", "gte", "jina_embeddings_v3", "esm", "rembert",
    "big_bird", "roformer", "mobilebert", "funnel", "fnet", "canine", "longformer", "xlm",
)  # fmt: skip
DECODERS = (
    "gpt2 one token pads and ends", "gpt_neox", "opt", "bloom", "falcon", "llama", "mistral",
    "mixtral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "xlnet", "jamba",
)  # fmt: skip
BOTH = ("bart", "t5", "t5gemma")
"""Of an encoder and a decoder."""


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_look_through() -> Iterator[None]:
    """The Trainer collects garbage at each start, among all that transformers has imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows for three steps."""
    return write_csv(tmp_path_factory.mktemp("news") / "news.csv", news(24))


@pytest.mark.parametrize("family", [*ENCODERS, *DECODERS, *BOTH])
def test_what_is_trained_three_steps_opens_and_reads_as_it_was_trained(
    family: str, data: Path, tmp_path: Path
) -> None:
    prefix, moved = train_three_steps(family, data, tmp_path)
    assert {name.startswith(prefix) for name in moved} == {True, False}
