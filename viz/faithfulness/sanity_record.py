"""sanity.json: how every method reacts to what it must react to, as it is kept beside a checkpoint.

Correlations are Spearman's, of word scores, as means over texts.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from finetune import errors
from finetune.errors import quoted
from finetune.run.json_files import Amount, Correlation, Count, Items, Schema, Share
from viz.errors import RecordError, as_sentence

FILE = "sanity.json"
FORMAT = 1

SAME_CLASS_CORRELATION = 0.999
"""From this mean correlation on, the maps of two classes count as one."""
SAME_NETWORK_CORRELATION = 0.9
"""From this mean |correlation| on, the maps of two networks count as one."""
MAX_RESIDUAL = 0.01
"""The share that scores may miss of what they say they split."""

NO_WEIGHTS = "does not react to the weights: a random network gets the same order of words"
FEW_WEIGHTS = "reacts to the weights in part: a random network keeps more of its order than chance"
NO_CLASS = "is the same for every class, though it claims to explain one"
NOT_COMPLETE = "does not add up to what it says it splits, for at least one text"


@dataclass(frozen=True, slots=True)
class SanityResult:
    """One method over all texts."""

    method: str
    """As it was asked for: its name, and options where they were named."""
    label: str
    of_class: bool
    """Whether it claims to explain a class; where not, classes are not compared."""
    n_texts: Count
    """How many texts it allowed."""
    cascade: Items[Share | None] = ()
    """After each stage of random weights, the mean |correlation| with the scores before.

    None where scores were all equal, so that there is no order to compare.
    """
    again: Share | None = None
    """The last of them, for another random network."""
    random_pair: Share | None = None
    """The same between both random networks: how much of it is the text alone."""
    between_classes: Correlation | None = None
    """Mean correlation of the scores for the logit of the class and for that of the runner-up."""
    residual: Amount | None = None
    """What scores and bias miss of what they split, relative to it, for the worst text."""
    between_seeds: Correlation | None = None
    """Mean correlation of two seeds; 1 for a method that draws nothing."""
    refused: str | None = None
    """Why no text allowed it: one sentence."""

    @property
    def after(self) -> tuple[float, ...]:
        """The mean |correlation| once all weights are random, in two random networks."""
        ends = (*self.cascade[-1:], self.again)
        return tuple(end for end in ends if end is not None)


@dataclass(frozen=True, slots=True)
class SanityRecord:
    """All methods, and what two random scores of the same words reach."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the weights."""
    n_texts: Count
    seed: Count
    stages: Annotated[Items[str], Field(min_length=1)]
    """What was made random, one after the other, embeddings excepted."""
    chance: Share
    """Mean |correlation| over the same texts of two scores that give each word a random number."""
    limit: Share
    """What 95 % of such means stay below."""
    methods: Items[SanityResult] = field(default_factory=tuple)
    data: str = ""
    """The file of texts; empty where they came from elsewhere."""
    data_fingerprint: str = ""
    """SHA-256 of it."""

    def flags(self, method: SanityResult) -> tuple[str, ...]:
        """What is wrong with a method, each as the end of a sentence that its name begins."""
        # What both random networks reach: by chance, one method in twenty would stay above the
        # limit in a single one.
        after = min(method.after, default=0.0)
        found = {
            NO_WEIGHTS: after >= SAME_NETWORK_CORRELATION,
            FEW_WEIGHTS: self.limit < after < SAME_NETWORK_CORRELATION,
            NO_CLASS: method.between_classes is not None
            and method.between_classes >= SAME_CLASS_CORRELATION,
            NOT_COMPLETE: method.residual is not None and method.residual >= MAX_RESIDUAL,
        }
        return tuple(sentence for sentence, wrong in found.items() if wrong)

    def with_data(self, name: str, fingerprint: str) -> Self:
        """The same, with the file that its texts came from."""
        return replace(self, data=name, data_fingerprint=fingerprint)

    def to_json(self) -> str:
        """The content of the file; numbers rounded to 6 decimals, flags written out."""
        methods = [
            {**_rounded(asdict(method)), "flags": self.flags(method)} for method in self.methods
        ]
        content = {"format": FORMAT, **_rounded(asdict(self)), "methods": methods}
        return json.dumps(content, indent=1, allow_nan=False) + "\n"


def load(path: Path) -> SanityRecord:
    """Read the file.

    Raises:
        RecordError: where it can't be read, or holds something else.
    """
    try:
        return _schema().read(path)
    except errors.RecordError as error:
        again = "write it again with `python -m viz sanity`"
        raise RecordError(f"{as_sentence(error)[:-1]}; {again}.") from error


@cache
def _schema() -> Schema[SanityRecord]:
    """What the file has to be; the flags in it are for other readers."""
    return Schema(Annotated[SanityRecord, AfterValidator(_consistent)], format=FORMAT)


def _consistent(found: SanityRecord) -> SanityRecord:
    """What was read, if its parts agree."""
    entries = [each.method for each in found.methods]
    if len(set(entries)) < len(entries):
        raise ValueError("a method stands twice")
    for each in found.methods:
        if each.refused is None and len(each.cascade) != len(found.stages):
            raise ValueError(f"{quoted(each.method)} has not one number for each stage")
    return found


def _rounded(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _short(value) for name, value in content.items()}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_short(each) for each in value] if isinstance(value, tuple | list) else value
