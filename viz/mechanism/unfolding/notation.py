"""The letters of the equations: one for each thing that has a name."""

import re

LETTERS = {
    "word embedding": "e",
    "position embedding": "p",
    "segment embedding": "g",
    "embedding sum": r"\epsilon",
    "state": "x",
    "normalization": "n",
    "query": "q",
    "key": "k",
    "value": "v",
    "product": "c",
    "score": "s",
    "masked score": r"\tilde{s}",
    "weights": r"\alpha",
    "head output": "z",
    "heads": "Z",
    "attention output": "o",
    "residual": "r",
    "feed-forward hidden": "h",
    "activation": "a",
    "gated": "m",
    "feed-forward output": "f",
    "pooler": "d",
    "pooled": "u",
    "logits": "y",
    "scaled logits": r"\bar{y}",
    "probabilities": "p",
    "class": r"\hat{c}",
    "mask": "m",
    "rotated half": r"\check{q}",
}
"""What each name is written as."""
DECORATIONS = {
    "rotated": r"\tilde{%s}",
    "scaled": r"\bar{%s}",
    "normalized": r"\hat{%s}",
    "joined": r"%s^{+}",
}
"""What is put on the letter of a thing that was changed, by the word in front of its name."""
INDEXES = {
    "query": r"\mathrm{Q}",
    "key": r"\mathrm{K}",
    "value": r"\mathrm{V}",
    "attention output": r"\mathrm{O}",
    "feed-forward hidden": "1",
    "feed-forward output": "2",
    "pooler": r"\mathrm{P}",
    "logits": r"\mathrm{C}",
    "word embedding": r"\mathrm{word}",
    "position embedding": r"\mathrm{position}",
    "segment embedding": r"\mathrm{segment}",
}
"""Whose the matrices and biases are, by what is computed with them."""


def letter(name: str) -> str:
    """The letter of a thing, in LaTeX."""
    if name in LETTERS:
        return LETTERS[name]
    whole, _, turned = name.partition(" · ")
    if turned and whole in LETTERS:
        return rf"{LETTERS[whole]}^{{\{turned}}}"
    first, _, rest = name.partition(" ")
    if first in DECORATIONS and rest in LETTERS:
        return DECORATIONS[first] % LETTERS[rest]
    return rf"\mathrm{{{re.sub(r'[^A-Za-z]', '', name.title())[:12] or 't'}}}"


def parameter_symbol(parameter: str, result: str, operation: str, layer: int | None) -> str:
    """The letter of a parameter, in LaTeX.

    Args:
        parameter: Its name in the checkpoint.
        result: What is computed with it.
        operation: By which operation.
        layer: Counted from 0; None outside of layers.
    """
    is_bias = parameter.rpartition(".")[2] == "bias"
    if operation == "lookup":
        return f"E_{{{INDEXES.get(result, 'x')}}}"
    if operation in NORMALIZATIONS or result == "normalization":
        base = r"\beta" if is_bias else r"\gamma"
    else:
        base = "b" if is_bias else "W"
    below = INDEXES.get(result, "")
    above = "" if layer is None else f"^{{({layer})}}"
    return (f"{base}_{{{below}}}" if below else base) + above


NORMALIZATIONS = {"layer_norm", "rms_norm", "normalize"}


def symbol(
    base: str,
    *,
    token: int | None = None,
    layer: int | None = None,
    head: int | None = None,
    key: int | None = None,
) -> str:
    """A letter with its indexes: tokens below, layer and head above.

    Args:
        base: The letter, in LaTeX.
        token: The position of the token; of the query, where there is a key.
        layer: Counted from 0.
        head: Counted from 0.
        key: The position of the token looked at.
    """
    below = ",".join(str(each) for each in (token, key) if each is not None)
    above = ",".join(str(each) for each in (layer, head) if each is not None)
    # A letter that has a superscript or a prime of its own keeps it inside.
    whole = f"{{{base}}}" if set(base) & set("^'") and above else base
    indexed = f"{whole}_{{{below}}}" if below else whole
    return f"{indexed}^{{({above})}}" if above else indexed
