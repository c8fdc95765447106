"""Families of models that are taken apart: where each keeps its parts, one record per family.

A model is told by the parts it has, not by its name: XLM-R and CamemBERT are built as RoBERTa is,
ERNIE as BERT is. Other families have no record: their layers are found by `layer_stack`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerLayout:
    """Where a layer keeps its modules, as paths below the layer."""

    value: str
    """The linear map to the value vectors of all heads."""
    attention_output: str
    """The linear map behind the heads."""
    attention_norm: str
    up: str
    """The first linear map of the feed-forward part."""
    activation: str
    down: str
    """The second one."""
    output_norm: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadLayout:
    """Where a classifier keeps the two linear maps of its head, as paths below the model."""

    hidden: str
    activation: str
    """A path, or the name of a function of torch that no module holds."""
    out: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What has to be known of a family of models."""

    name: str
    projection: str | None = None
    """What widens the embeddings for the first layer, below the base model, in some sizes."""
    layer: LayerLayout
    head: HeadLayout


_BERT_LAYER = LayerLayout(
    value="attention.self.value",
    attention_output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    down="output.dense",
    output_norm="output.LayerNorm",
)

FAMILIES: tuple[Family, ...] = (
    Family(
        name="BERT",
        layer=_BERT_LAYER,
        head=HeadLayout(
            hidden="base_model.pooler.dense",
            activation="base_model.pooler.activation",
            out="classifier",
        ),
    ),
    Family(
        name="RoBERTa",
        layer=_BERT_LAYER,
        head=HeadLayout(hidden="classifier.dense", activation="tanh", out="classifier.out_proj"),
    ),
    Family(
        name="ELECTRA",
        projection="embeddings_project",
        layer=_BERT_LAYER,
        head=HeadLayout(
            hidden="classifier.dense", activation="classifier.activation", out="classifier.out_proj"
        ),
    ),
    Family(
        name="DistilBERT",
        layer=LayerLayout(
            value="attention.v_lin",
            attention_output="attention.out_lin",
            attention_norm="sa_layer_norm",
            up="ffn.lin1",
            activation="ffn.activation",
            down="ffn.lin2",
            output_norm="output_layer_norm",
        ),
        head=HeadLayout(hidden="pre_classifier", activation="relu", out="classifier"),
    ),
)
"""Later ones are more particular, so they are tried first."""


def _listed(conjunction: str) -> str:
    """The families that are taken apart, in words."""
    *names, last = (family.name for family in FAMILIES)
    return f"{', '.join(names)}{conjunction}{last}"


NAMES, NAMES_AND, NAMES_OR = _listed(", "), _listed(" and "), _listed(" or ")
"""The families that are taken apart, for sentences: "BERT, RoBERTa, ELECTRA and DistilBERT"."""

PROJECTIONS = tuple(family.projection for family in FAMILIES if family.projection is not None)
"""Names of what widens embeddings, of any family."""
