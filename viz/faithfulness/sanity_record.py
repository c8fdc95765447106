"""sanity.json: how every method reacts to what it must react to, as it lies beside a checkpoint.

Correlations are Spearman's, of word scores, as means over texts.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Self

from pydantic import Field

from finetune.errors import quoted
from finetune.run.json_files import Amount, Correlation, Count, Items, Share
from viz.faithfulness.record_file import RecordFile

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
    """As it was written: its name, and options where they were named."""
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
    """What 95% of such means stay below."""
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
        wrong = {
            NO_WEIGHTS: after >= SAME_NETWORK_CORRELATION,
            FEW_WEIGHTS: self.limit < after < SAME_NETWORK_CORRELATION,
            NO_CLASS: method.between_classes is not None
            and method.between_classes >= SAME_CLASS_CORRELATION,
            NOT_COMPLETE: method.residual is not None and method.residual >= MAX_RESIDUAL,
        }
        return tuple(sentence for sentence, is_wrong in wrong.items() if is_wrong)

    def with_data(self, name: str, fingerprint: str) -> Self:
        """The same, with the file that its texts came from."""
        return replace(self, data=name, data_fingerprint=fingerprint)

    def to_json(self) -> str:
        """The content of the file; numbers rounded to 6 digits, flags written out."""
        methods = [
            {**_rounded(asdict(method)), "flags": self.flags(method)} for method in self.methods
        ]
        content = {"format": FORMAT, **_rounded(asdict(self)), "methods": methods}
        return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _contradictions(record: SanityRecord) -> Iterator[str]:
    names = [each.method for each in record.methods]
    if len(set(names)) < len(names):
        yield "a method stands twice"
    for each in record.methods:
        if each.refused is None and len(each.cascade) != len(record.stages):
            yield f"{quoted(each.method)} has not one number for each stage"


def _rounded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same with six digits of every number."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        return [rounded(each) for each in value] if isinstance(value, tuple | list) else value

    return {name: rounded(value) for name, value in content.items()}


_FILE = RecordFile(SanityRecord, _contradictions, format=FORMAT, command="sanity")
load = _FILE.load
"""Read the file; raises a RecordError where it can't be read, or holds something else."""
content_of = _FILE.content_of
"""What to write into the file; raises a RecordError where `load` would refuse it."""
