"""Families of models: where each keeps its parts, one record per family.

A model is told by the parts it has, not by its name: XLM-R and CamemBERT are built as RoBERTa is,
ERNIE as BERT is. The record of a family that is not taken apart (`layer` is None) only names its
weights, so that it can be trained; attention and gradients are recorded of every family alike.
"""

import re
from collections.abc import Iterable
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
    layers: str = "layer"
    """The name of its list of layers."""
    own_layers: bool = True
    """Whether each entry of that list is one layer with weights of its own."""
    head_names: tuple[str, ...] = ("classifier",)
    """First names of the weights that a base model may lack, for they are what is trained."""
    position_table: str | None = "position_embeddings"
    """The name of its table of absolute positions."""
    projection: str | None = None
    """What widens the embeddings for the first layer, below the base model, in some sizes."""
    layer: LayerLayout | None = None
    head: HeadLayout | None = None


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
        head_names=("classifier", "pooler"),
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
        head_names=("pre_classifier", "classifier"),
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
    Family(name="ALBERT", layers="albert_layers", own_layers=False),
    Family(
        name="ModernBERT", layers="layers", head_names=("head", "classifier"), position_table=None
    ),
    Family(name="XLNet", head_names=("sequence_summary",), position_table=None),
    Family(name="Funnel", layers="blocks", own_layers=False, position_table=None),
    Family(
        name="BART",
        layers="layers",
        head_names=("classification_head",),
        position_table="embed_positions",
    ),
    Family(name="CLIP", layers="layers", position_table="position_embedding"),
    Family(name="GPT-2", layers="h", head_names=("score",), position_table="wpe"),
    Family(name="T5", layers="block", head_names=("classification_head",), position_table=None),
)
"""Every family with a fact of its own.  Later ones are more particular, so they are tried first."""


def _listed(conjunction: str) -> str:
    """The families that are taken apart, in words."""
    *names, last = (family.name for family in FAMILIES if family.layer is not None)
    return f"{', '.join(names)}{conjunction}{last}"


NAMES, NAMES_AND, NAMES_OR = _listed(", "), _listed(" and "), _listed(" or ")
"""The families that are taken apart, for sentences: "BERT, RoBERTa, ELECTRA and DistilBERT"."""

HEAD_NAMES = frozenset(name for family in FAMILIES for name in family.head_names)
"""First names of weights of a head, of any family."""
POSITION_TABLES = frozenset(family.position_table for family in FAMILIES) - {None}
"""Names of tables of positions, of any family."""
PROJECTIONS = tuple(family.projection for family in FAMILIES if family.projection is not None)
"""Names of what widens embeddings, of any family."""


def _numbered(families: Iterable[Family]) -> re.Pattern[str]:
    lists = sorted({family.layers for family in families})
    return re.compile(rf"(?:^|\.)(?:{'|'.join(lists)})\.(\d+)\.")


_LAYER = _numbered(FAMILIES)
_OWN_LAYER = _numbered(family for family in FAMILIES if family.own_layers)


def layer_number(weight: str, *, own: bool = False) -> int | None:
    """The number of the layer that a weight belongs to, by its name; None where it is of none.

    With *own*, only of families whose layers have weights of their own.
    """
    match = (_OWN_LAYER if own else _LAYER).search(weight)
    return None if match is None else int(match[1])
