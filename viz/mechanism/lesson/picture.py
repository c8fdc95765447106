"""The small arrays that a step of the lesson draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.checkpoint.arrays import FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class TokenPicture:
    """One number for each token, on the text itself."""

    key: str
    """Names its caption in the texts of the lesson."""
    values: FloatArray
    """(T,)"""
    signed: bool = False
    """Whether values below 0 mean the opposite."""
    claim: str = ""
    """The claim that it shows, whose numbers its caption says; empty where it shows none."""


@dataclass(frozen=True, eq=False, slots=True)
class ValuePicture:
    """A few rows of numbers as a heat map."""

    key: str
    """Names its caption in the texts of the lesson."""
    values: FloatArray
    """(n, m)"""
    rows: Sequence[str]
    """What the n rows are called."""
    columns: Sequence[str] | None = None
    """What the m columns are called; None where they are dimensions, which have numbers."""
    signed: bool = True
    """Whether 0 is the middle of the scale."""
    terms: bool = False
    """Whether rows are called by the names of terms, which a language has words for."""
    claim: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class IdPicture:
    """The tokens of the text with their ids."""

    key: str
    tokens: Sequence[str]
    ids: Sequence[int]
    claim: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ClassPicture:
    """The bars of the classes."""

    key: str
    claim: str = ""


Picture = TokenPicture | ValuePicture | IdPicture | ClassPicture
