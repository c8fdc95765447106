"""What the page shows of a document is what training and `evaluate` make of it."""

from pathlib import Path

import numpy as np
import pytest

from finetune.checkpoint.models import load_checkpoint
from finetune.evaluation.evaluate import predict_logits
from tests.tiny_models import edit_config, tiny_checkpoint
from viz.documents.read_document import read_document
from viz.model.classifier import Classifier

TEXT = (
    "Oil prices rise. The team wins a very good game! " * 4 + "Bad peace talks " * 12 + "fall. Oil."
)
SIZE = 20


@pytest.mark.parametrize("cut", ["sentences", "tokens"])
@pytest.mark.parametrize("pooling", ["mean", "max", "first"])
def test_a_document_is_read_as_the_checkpoint_was_trained(
    pooling: str, cut: str, tmp_path: Path
) -> None:
    folder = tiny_checkpoint(tmp_path / "trained")
    edit_config(
        folder, text_window_stride=7, text_window_pooling=pooling, text_window_cut=cut,
        text_window_size=SIZE,
    )  # fmt: skip
    document = read_document(Classifier.load(folder), TEXT)
    sizes = [window.encoding.n_tokens for window in document.windows]
    assert max(sizes) <= document.size == SIZE < 64, "the model could read more"
    assert len(sizes) == 1 if pooling == "first" else len(sizes) > 5
    measured = predict_logits(
        load_checkpoint(str(folder)), [(TEXT, None)], batch_size=4, max_length=SIZE
    )
    assert np.abs(document.prediction.logits - measured[0]).max() < 1e-5
