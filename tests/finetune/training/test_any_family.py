"""What can be trained can be opened: three steps on a tiny base of each family."""

from pathlib import Path
from typing import Any

import pytest

from finetune.checkpoint.models import load_checkpoint
from finetune.errors import FinetuneError, ModelError
from finetune.run.history import frame_weights, open_history
from finetune.run.history_format import same_bits
from finetune.run.output_folder import stopped_run
from finetune.training.train import train
from tests.family_training import bare_base, train_three_steps
from tests.finetune.news import news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run

pytestmark = pytest.mark.usefixtures("_no_pictures")

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


@pytest.mark.parametrize(("family", "more"), [("gpt2", {}), ("t5", {"lora_rank": 2})])
def test_a_stopped_run_ends_in_the_weights_of_a_whole_one(
    family: str,
    more: dict[str, Any],
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T5 ties the words of its encoder and decoder, which a snapshot keeps apart."""
    base = bare_base(tmp_path, family)
    whole, stopped = tmp_path / "out", tmp_path / "stopped"
    more |= {"epochs": 1, "save_minutes": 0, "baseline": False, "keep_steps": 1}
    train(tiny_run(data, base, whole, **more), say=silent)
    fail_snapshot(monkeypatch, step=2)
    with pytest.raises(FinetuneError, match="the run is kept"):
        train(tiny_run(data, base, stopped, **more), say=silent)
    monkeypatch.undo()
    said: list[str] = []
    train(stopped_run(stopped), say=said.append)
    assert "Resuming after step 1." in said
    weights = [(each / "model.safetensors").read_bytes() for each in (whole, stopped)]
    assert weights[0] == weights[1]
    *_, last = open_history(stopped).frames
    kept, model = frame_weights(stopped, last), load_checkpoint(str(stopped)).model
    assert kept.keys() == model.state_dict().keys()
    assert all(same_bits(kept[name], weight) for name, weight in model.state_dict().items())
    assert last.bytes < 2000  # the weights are those of the checkpoint, tied ones too
    for one, other in zip(open_history(whole).frames, open_history(stopped).frames, strict=True):
        files = [(each.folder / "manifest.json").read_bytes() for each in (one, other)]
        assert files[0] == files[1]


@pytest.mark.parametrize("family", ["gpt2", "bart"])
def test_what_guesses_no_hidden_words_is_not_pretrained_on_them(
    family: str, data: Path, tmp_path: Path
) -> None:
    config = tiny_run(data, bare_base(tmp_path, family), tmp_path / "out", pretrain_epochs=1)
    with pytest.raises(ModelError, match="leave out --pretrain-epochs"):
        train(config, say=silent)
