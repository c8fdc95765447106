"""faithfulness.json: what was measured of every method for a checkpoint, as it lies beside it.

Numbers are rounded to 6 decimals, those in the unit of a score to 6 digits of the largest.  All but
`seconds` can be measured again and come out the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated

from pydantic import Field

from finetune.checkpoint.windows import WindowSettings
from finetune.errors import number_of, quoted
from finetune.run.json_files import ROUNDING, Amount, Correlation, Count, Items, Number, Share
from viz.faithfulness.degraded import MetricTest
from viz.faithfulness.interval import Interval
from viz.faithfulness.judge_scores import JudgeScores
from viz.faithfulness.metrics import SHOWN
from viz.faithfulness.operator_scores import Means, Operator, OperatorScores
from viz.faithfulness.planted_scores import PlantedScores
from viz.faithfulness.record_file import RecordFile

FILE = "faithfulness.json"
FEW_TEXTS = 10
"""Of fewer texts a bootstrap says too little of how far means vary."""
FORMAT = 1
MAX_PASSES = 1e9
"""More forward passes than anybody makes for a text."""
RANDOM_METHOD = "random"
"""The method that explains nothing."""
SEARCH_METHOD = "search"
"""The method that looks for the best order, or with `goal=worst` for the worst."""
REQUIRED = tuple(name for name, metric in SHOWN.items() if not metric.needs_decision)
"""Metrics that every method has under every operator."""

Option = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class MethodScores:
    """One method over all texts."""

    method: str
    """As it was written: its name, and options where they were named."""
    name: str
    label: str
    signed: bool
    options: Mapping[str, Option]
    passes: Annotated[Amount, Field(le=MAX_PASSES)]
    """Plain forward passes that it takes, mean."""
    n_texts: Count
    """How many texts it allowed."""
    under: Mapping[Operator, OperatorScores] = field(default_factory=dict)
    """By operator; empty where it was refused for every text."""
    tau_occlusion: Correlation | None = None
    """Agreement with occlusion, mean."""
    polarity: Share | None = None
    shares_operator: Annotated[str, Field(pattern="^(mask|delete|both)$")] | None = None
    """The operator, or `both`, that it hides words with itself, which is its advantage there."""
    refused: str | None = None
    """Why it was refused, the last time it was."""


def _mean(intervals: Sequence[Interval | None]) -> float | None:
    """The mean of means; None where one is missing."""
    known = [interval.mean for interval in intervals if interval is not None]
    return sum(known) / len(known) if known and len(known) == len(intervals) else None


def _few_texts(n_texts: int, done: str, intervals: str) -> str:
    """What bootstrap intervals over so many texts can't say; empty where there are enough."""
    if n_texts >= FEW_TEXTS:
        return ""
    few = number_of(n_texts, "text")
    if n_texts == 1:
        return f"Only {few} was {done}, so that {intervals} have no width and say nothing."
    return f"Only {few} were {done}, so that {intervals} are narrower than they should be."


@dataclass(frozen=True, slots=True)
class ScoredDocuments:
    """Texts that were too long for the model, and measured as a whole."""

    n_texts: Count
    n_by_sentence: Count
    """Of these, those of so many words that sentences were hidden."""
    windows: WindowSettings


@dataclass(frozen=True, slots=True)
class SearchedLimits:
    """How the best and the worst order of texts were searched for."""

    n_versions: Count
    """Of a text, which either search could read under each operator."""
    n_texts: Count
    """Of how many texts: those that the model reads at once."""


@dataclass(frozen=True, slots=True)
class FaithfulnessRecord:
    """The file."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the weights."""
    data: str
    data_fingerprint: str
    """SHA-256 of the file of texts."""
    columns: Mapping[str, str | None]
    n_texts: Count
    """How many were measured."""
    skipped: Mapping[str, Count]
    """How many were not, by why."""
    seed: Count
    n_random: Count
    """Random orders of each text."""
    resamples: Count
    default: str
    """The method that others are compared with: the best one, with which the app begins."""
    methods: Items[MethodScores]
    random: Annotated[Mapping[Operator, Means], Field(min_length=1)]
    """What random orders reach, mean, by operator and measure."""
    best: Mapping[Operator, Number]
    """The highest AOPC of any order of a text, mean, by operator."""
    seconds: Mapping[str, Amount]
    """Of each method on a text, median; on the machine that measured."""
    documents: ScoredDocuments | None = None
    """Those of the texts that were too long; None where such texts are cut."""
    worst: Mapping[Operator, Number] = field(default_factory=dict)
    """The lowest AOPC of any order of a text, also of reversed ones, mean, by operator; empty in
    records that were written before it was measured."""
    searched: SearchedLimits | None = None
    """The search that `best` and `worst` are of; None where they are those of the orders that
    methods ask for, and of random ones."""
    judge: JudgeScores | None = None
    """The same orders measured by a twin that knows hidden words; None where none was named."""
    metric_test: MetricTest | None = None
    """Whether metrics rank degraded explanations; None where nothing was degraded."""
    planted: PlantedScores | None = None
    """How methods find words that were planted for a class; None where none was named."""

    def shows(self, metric: str, operator: str) -> bool:
        """Whether a metric may be shown under an operator: not where it failed its test.

        Shares and normalized AOPC are those of `aopc`.
        """
        return self.metric_test is None or self.metric_test.passed(metric, operator) is not False

    @property
    def decides(self) -> bool:
        """Whether the checkpoint puts texts into classes, which a predicted score does not."""
        return any("flip_20" in means for means in self.random.values())

    @property
    def ranking_operators(self) -> tuple[str, ...]:
        """The operators by which methods are ranked: those under which AOPC did not fail."""
        return tuple(operator for operator in self.random if self.shows("aopc", operator))

    def mean_share(self, one: MethodScores) -> float | None:
        """What methods are ranked by: the way from random to the best, mean over operators.

        None where it was not measured under each of the `ranking_operators`.
        """
        return _mean([one.under[o].share for o in self.ranking_operators if o in one.under])

    def mean_naopc(self, one: MethodScores) -> float | None:
        """The way from the worst order to the best, mean over operators; None likewise."""
        return _mean([one.under[o].naopc for o in self.ranking_operators if o in one.under])

    def mean(self, one: MethodScores, metric: str) -> float | None:
        """A metric's mean over operators; None where it failed its test under one of them."""
        if not all(self.shows(metric, operator) for operator in self.random):
            return None
        known = [under.means[metric] for under in one.under.values() if metric in under.means]
        return sum(known) / len(known) if known else None

    @property
    def caution(self) -> str:
        """What a reader must know of intervals over few texts; empty where there are enough."""
        parts = []
        if self.judge is not None:
            parts.append((self.judge.n_texts, "judged by the twin", "its intervals"))
        if self.planted is not None and self.planted.methods:
            n_texts = max(one.n_texts for one in self.planted.methods.values())
            parts.append((n_texts, "searched for a planted word", "intervals of its mean rank"))
        # Of a part that is all texts, the first sentence has said it.
        parts = [part for part in parts if part[0] < self.n_texts]
        sentences = (
            _few_texts(*part) for part in [(self.n_texts, "measured", "intervals"), *parts]
        )
        return " ".join(filter(None, sentences))

    def was_searched(self, goal: str) -> bool:
        """Whether a search was part of `best`, or of `worst`: one of both, or as a method."""
        return self.searched is not None or any(
            one.name == SEARCH_METHOD and one.options.get("goal", "best") == goal and one.under
            for one in self.methods
        )

    def best_method(self, max_passes: float = 2.0) -> str | None:
        """The method, as it was written, with the highest mean share that takes no more passes.

        None where no method was measured that takes so few, or AOPC failed its test.  Of equals the
        first in the list wins; the random control never does.
        """
        allowed = [
            each
            for each in self.methods
            if each.passes <= max_passes and each.name != RANDOM_METHOD
        ]
        shares = [(self.mean_share(each), each.method) for each in allowed]
        ranked = [(share, method) for share, method in shares if share is not None]
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def to_json(self) -> str:
        """The content of the file."""
        content = {"format": FORMAT, **asdict(self)}
        for name in ("documents", "searched", "judge", "metric_test", "planted"):
            if content[name] is None:
                del content[name]
        return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _contradictions(record: FaithfulnessRecord) -> Iterator[str]:
    for operator, worst in record.worst.items():
        if not worst <= record.best.get(operator, worst) + ROUNDING:
            yield f"the worst order under {quoted(operator)} is better than the best"
    if record.metric_test is not None:
        test = record.metric_test
        if not set(test.under) <= set(record.random):
            yield "metrics were tested where random orders were not measured"
        tested = (each for metrics in test.under.values() for each in metrics.values())
        if any(len(each.means) != len(test.percents) for each in tested):
            yield "a tested metric lacks a step"
    names = [one.method for one in record.methods]
    if record.planted is not None:
        if not set(record.planted.methods) <= set(names):
            yield "a method finds planted words that was not measured"
        # Of texts with the word every method may have been refused.
        passed = any(not one.refused for one in record.planted.words)
        if passed != (record.planted.random is not None) or (record.planted.methods and not passed):
            yield "planted words that passed and methods that were judged by them don't agree"
    if len(set(names)) < len(names):
        yield "a method stands twice"
    for one in record.methods:
        if not set(one.under) <= set(record.random):
            yield f"{quoted(one.method)} was measured where random orders were not"
        for under in one.under.values():
            yield from _of_operator(one.method, under)
    if record.judge is not None:
        yield from _of_judge(record, record.judge)


def _of_operator(method: str, under: OperatorScores) -> Iterator[str]:
    if not set(REQUIRED) <= set(under.means):
        yield f"{quoted(method)} lacks {' and '.join(REQUIRED)}"
    shares = [share for share in (under.share, under.naopc) if share is not None]
    for interval in (*shares, *under.minus_random.values(), *under.minus_default.values()):
        if not interval.low <= interval.high:
            yield f"an interval of {quoted(method)} ends before it begins"


def _of_judge(record: FaithfulnessRecord, judge: JudgeScores) -> Iterator[str]:
    if judge.n_texts > record.n_texts:
        yield "the judge measured more texts than there are"
    if judge.n_agree is not None and judge.n_agree > judge.n_texts:
        yield "the judge agrees on more texts than it measured"
    if not set(judge.methods) <= {one.method for one in record.methods if one.under}:
        yield "the judge measured a method that was not measured"
    if not set(judge.random) == set(judge.best) == set(judge.worst) == set(record.random):
        yield "the judge hid words in other ways"
    for operator, worst in judge.worst.items():
        if not worst <= judge.best.get(operator, worst) + ROUNDING:
            yield f"the worst order under {quoted(operator)} is better than the best to the judge"
    for method, under in judge.methods.items():
        if set(under) != set(judge.random):
            yield f"the judge measured {quoted(method)} where random orders were not"
        for scores in under.values():
            yield from _of_operator(method, scores)
    if judge.ranking is not None and judge.ranking.n_methods > len(judge.methods):
        yield "the judge ranks more methods than it measured"
    if judge.accuracy is not None:
        if judge.accuracy.n_texts > judge.n_texts:
            yield "more texts have a true class than were judged"
        for interval in (judge.accuracy.original, judge.accuracy.judge):
            if not 0 <= interval.low <= interval.mean <= interval.high <= 1:
                yield "an accuracy lies outside of its interval, or is not a share"


_FILE = RecordFile(FaithfulnessRecord, _contradictions, format=FORMAT, command="score")
load = _FILE.load
"""Read the file; raises a RecordError where it can't be read, or holds something else."""
content_of = _FILE.content_of
"""What to write into the file; raises a RecordError where `load` would refuse it."""
