"""The functions of torch that move numbers and compute none, by name."""

from typing import Any

import torch

GETTERS: dict[Any, str] = {
    vars(torch._C.TensorBase)[name].__get__: name for name in ("T", "mT", "H", "data")
}
"""Attributes of a tensor that are tensors, by what Python calls to get them."""

MOVES = {
    *("view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "atleast_2d"),
    *("permute", "transpose", "transpose_", "swapaxes", "swapdims", "movedim", "moveaxis", "t"),
    *("T", "mT", "H", "data", "contiguous", "clone", "detach", "identity", "squeeze", "squeeze_"),
    *("unsqueeze", "unsqueeze_", "expand", "expand_as", "broadcast_to", "repeat", "tile"),
    *("repeat_interleave", "split", "split_with_sizes", "chunk", "unbind", "tensor_split"),
    *("__getitem__", "getitem", "narrow", "select", "index_select", "gather", "take", "flip"),
    *("take_along_dim", "roll", "diagonal", "as_strided", "unfold", "cat", "concat", "stack"),
    *("concatenate", "hstack", "vstack", "to", "float", "double", "type", "type_as", "half"),
    *("bfloat16", "cpu", "cuda", "embedding", "dropout", "alpha_dropout", "feature_dropout"),
    *("pad", "__setitem__", "copy_", "scatter", "scatter_", "index_put", "index_put_"),
    *("index_copy", "index_copy_", "tril", "triu"),
}
"""Functions by name.  Dropout does nothing in a model that answers."""
