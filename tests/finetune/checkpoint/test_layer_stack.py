"""Where each weight sits is found in a pass of the model, and the model stays as it was."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from finetune.checkpoint.layer_stack import find_layers
from finetune.checkpoint.sample_pass import sample_token_ids, unchanged
from finetune.errors import ModelError
from tests.families import family_config


def built(family: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(family_config(family))
    return model.train()


@pytest.mark.parametrize(
    ("family", "layers", "heights"),
    [
        (
            "bert",
            2,
            {
                "bert.embeddings.word_embeddings.weight": 0,
                "bert.embeddings.LayerNorm.bias": 0,
                "bert.encoder.layer.0.attention.self.query.weight": 1,
                "bert.encoder.layer.1.output.dense.bias": 2,
                "bert.pooler.dense.weight": 3,
                "classifier.weight": 3,
            },
        ),
        # An own norm in front of the layers is registered behind them.
        ("opt", 2, {"model.decoder.final_layer_norm.weight": 2, "score.weight": 3}),
        ("gpt2", 2, {"transformer.wpe.weight": 0, "transformer.ln_f.weight": 2, "score.weight": 3}),
        ("llama", 2, {"model.embed_tokens.weight": 0, "model.norm.weight": 2}),
        ("modernbert", 3, {"model.final_norm.weight": 3, "head.norm.weight": 4}),
        ("mpnet", 2, {"mpnet.encoder.relative_attention_bias.weight": 0}),
        # The norm of the relative positions, which the layers read, is no norm behind them.
        ("deberta-v2", 2, {"deberta.encoder.LayerNorm.weight": 0, "pooler.dense.weight": 3}),
        ("megatron-bert", 2, {"bert.encoder.ln.weight": 2}),
        ("xlnet", 2, {"transformer.mask_emb": 0, "transformer.layer.1.ff.layer_1.weight": 2}),
        # Two lists in turns are one stack; lists in a list are one list.
        ("xlm", 2, {"transformer.attentions.1.q_lin.weight": 2, "transformer.ffns.1.lin1.bias": 2}),
        ("funnel", 3, {"funnel.encoder.blocks.1.1.ffn.linear_1.weight": 3}),
        # A decoder goes on where its encoder ends.
        (
            "t5",
            4,
            {
                "transformer.shared.weight": 0,
                "transformer.encoder.final_layer_norm.weight": 2,
                "transformer.decoder.block.0.layer.0.SelfAttention.q.weight": 3,
                "transformer.decoder.final_layer_norm.weight": 4,
                "classification_head.dense.weight": 5,
            },
        ),
        # Pictures have layers of their own, which no text passes.
        ("gemma3", 2, {"model.vision_tower.encoder.layers.1.mlp.fc1.weight": 0, "score.weight": 3}),
        ("squeezebert", 2, {"transformer.pooler.dense.weight": 3}),
        # What is shared by all layers is no layer.
        (
            "albert",
            0,
            {
                "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight": 0,
                "albert.pooler.weight": 1,
                "classifier.weight": 1,
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weight_sits_where_a_text_meets_it(
    family: str, layers: int, heights: dict[str, int]
) -> None:
    model = built(family)
    stack = find_layers(model)
    assert stack.n_layers == layers
    assert {name: stack.height(name) for name in heights} == heights
    assert set(heights) <= {name for name, _ in model.named_parameters()}
    assert model.training


def test_the_pass_leaves_a_model_that_changes_itself_as_it_was() -> None:
    """BigBird turns to full attention at the first short text, for good."""
    model = built("big_bird")
    modules = [type(part).__name__ for part in model.modules()]
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    find_layers(model)
    assert [type(part).__name__ for part in model.modules()] == modules
    assert model.base_model.attention_type == "block_sparse"
    assert torch.rand(1) == expected
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    with unchanged(model), torch.no_grad():
        model(input_ids=sample_token_ids(model.config)[None])
        assert model.base_model.attention_type == "original_full"


def test_a_model_that_reads_no_text_is_refused() -> None:
    model = built("bert")
    model.bert.embeddings.word_embeddings = torch.nn.Embedding(2, 32)
    with pytest.raises(ModelError, match="this bert model can't read a text"):
        find_layers(model)
