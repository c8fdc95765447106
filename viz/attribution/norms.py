"""How long the vectors are that tokens hand to one another: the same for every class, no sign.

T(k -> q) = sum over heads of A[h, q, k] v[h, k] W_O[h] is what query q takes from key k; on the
diagonal the residual E[q] is added.  A weight says only how much is taken of a value that may be
short, or undone by another head's; the length of T says how much arrives.
Source: attribution.md 1.13.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from viz.attribution.layers import Layer, recorded_layers, scaled
from viz.attribution.method import Method, Option, Split, Task

Rule = Callable[[Layer, slice, Tensor], Tensor]
"""How much some queries (R) of a layer hold of every key, from `Layer.handed`.  -> (R, T)"""

FIRST = slice(0, 1)
"""The row of [CLS]."""


def mixing(layer: Layer, rule: Rule, rows: Iterable[slice]) -> Tensor:
    """Some rows of a layer's mixing matrix, each summing to 1.  (R, T)

    A row in which no key holds anything stays with its own token.
    """
    handed = layer.handed()
    return torch.cat([_shares(rule(layer, piece, handed), piece) for piece in rows])


def _shares(raw: Tensor, rows: slice) -> Tensor:
    total = raw.sum(-1, keepdim=True)
    own = torch.eye(raw.shape[1], dtype=raw.dtype, device=raw.device)[rows]
    return torch.where(total > 0, raw / total, own)


def by_length(layer: Layer, rows: slice, handed: Tensor) -> Tensor:
    """||sum_h A[h, q, k] v[h, k] W_O[h]||, Kobayashi et al. 2020.  (R, T)"""
    return _length(layer.contributions(rows, handed))


def by_normalised_length(layer: Layer, rows: slice, handed: Tensor) -> Tensor:
    """||LN1-scale(T + residual)||, Kobayashi et al. 2021.  (R, T)"""
    return _length(_attended(layer, rows, handed)[0])


def by_encoded_length(layer: Layer, rows: slice, handed: Tensor) -> Tensor:
    """||LN2-scale(LN1-scale(T + residual))||, Modarressi et al. 2022.  (R, T)

    The second LayerNorm scales as it does for this text, so what the feed-forward part adds counts
    in the scale alone.
    """
    vectors, attended = _attended(layer, rows, handed)
    return _length(scaled(vectors, layer.parts.second_norm, layer.parts.between(attended)))


def by_distance(layer: Layer, rows: slice, handed: Tensor) -> Tensor:
    """max(0, ||y||_1 - ||y - T'||_1), Ferrando et al. 2022.  (R, T)

    T' = LN1-scale(T + residual) and y is what leaves the first LayerNorm, biases included.
    """
    vectors, attended = _attended(layer, rows, handed)
    distance = (attended[:, None] - vectors).abs().sum(-1)
    return (attended.abs().sum(-1, keepdim=True) - distance).clamp(min=0)


def _attended(layer: Layer, rows: slice, handed: Tensor) -> tuple[Tensor, Tensor]:
    """The shares of what leaves the first LayerNorm, and all of it.  (R, T, D) and (R, D)"""
    vectors = layer.with_residual(rows, handed)
    entering = vectors.sum(1) + layer.parts.output.bias
    norm = layer.parts.first_norm
    attended: Tensor = norm(entering)
    return scaled(vectors, norm, entering), attended


def _length(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths


def _norms(task: Task) -> Split:
    rule = by_length if task.options["kind"] == "attention" else by_normalised_length
    with torch.inference_mode():
        last = recorded_layers(task)[-1]
        task.tick(1)
        return Split(rule(last, FIRST, last.handed())[0].cpu().numpy())


def _through_layers(rule: Rule) -> Callable[[Task], Split]:
    """[CLS] row of the product of all layers' mixing matrices."""

    def run(task: Task) -> Split:
        with torch.inference_mode():
            layers = recorded_layers(task)
            task.tick(1)
            # From the top down a row stays a row: of the last layer, that of [CLS] is enough.
            row = mixing(layers[-1], rule, [FIRST])
            for layer in reversed(layers[:-1]):
                row = row @ mixing(layer, rule, layer.row_slices())
                task.tick(1 / len(layers))
        return Split(row[0].cpu().numpy())

    return run


NORMS = Method(
    name="norms",
    label="Vector norms",
    signed=False,
    cost=1.0,
    description="Length of what each token hands to [CLS] in the last layer; the same for all "
    "classes.",
    reference="Kobayashi et al. 2020 (attention); Kobayashi et al. 2021 (residual)",
    run=_norms,
    of_class=False,
    options=(
        Option(
            name="kind",
            label="Counted",
            default="residual",
            choices=("residual", "attention"),
            help="With what [CLS] keeps of itself and the normalisation after it, or attention "
            "alone.",
        ),
    ),
)

GLOBENC = Method(
    name="globenc",
    label="GlobEnc",
    signed=False,
    cost=2.0,
    description="Lengths of what tokens hand on, normalised as the layers do, carried through all "
    "layers; the same for all classes.",
    reference="Modarressi et al. 2022 (GlobEnc)",
    run=_through_layers(by_encoded_length),
    of_class=False,
)

ALTI = Method(
    name="alti",
    label="ALTI",
    signed=False,
    cost=2.0,
    description="How near what a token hands on comes to the whole, carried through all layers; "
    "the same for all classes.",
    reference="Ferrando et al. 2022 (ALTI)",
    run=_through_layers(by_distance),
    of_class=False,
)
