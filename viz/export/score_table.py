"""What a faithfulness record says of every method, as a table that can be cited.

The table is made of the record alone, so that nothing is measured again.  A metric that failed its
test on degraded explanations is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from finetune.errors import number_of
from viz.attribution.descriptions import decimals, true_minus
from viz.faithfulness.interval import Interval
from viz.faithfulness.judge_scores import JudgeScores
from viz.faithfulness.operator_scores import OPERATOR_LABELS, OperatorScores
from viz.faithfulness.record import FaithfulnessRecord, MethodScores
from viz.figures.citation import SHOWN_HASH_DIGITS
from viz.model.installation import version

NOTHING = "–"
"""In a cell without a number."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers with their intervals, and how it is read."""

    heading: str
    meaning: str
    """One sentence."""
    value: Callable[[MethodScores, OperatorScores], Interval | None]
    places: int = 2


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one way of hiding words, or of planted words: texts, the method's name first."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The table, and all that has to be said with it."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    """Where the numbers are from, then what they say and what they don't."""


def score_table(record: FaithfulnessRecord) -> ScoreTable:
    """The table of a record: the most faithful method first."""
    methods = ranked(record)
    sections = [_section(record, operator, methods) for operator in record.random]
    sections += [_planted(record, methods)] if record.planted and record.planted.methods else []
    return ScoreTable(
        title=f"Faithfulness of attribution methods for {record.checkpoint}",
        sections=tuple(section for section in sections if len(section.header) > 2),
        notes=tuple(_notes(record)),
    )


def ranked(record: FaithfulnessRecord) -> list[MethodScores]:
    """The methods that were measured, by their mean share, highest first."""

    def rank(one: MethodScores) -> float:
        share = record.mean_share(one)
        return 1.0 if share is None else -share

    return sorted((one for one in record.methods if one.under), key=rank)


def method_name(one: MethodScores) -> str:
    """The label, with the options that were named, as in `Shapley values (n_orders=20)`."""
    named = one.method.split(":")[1:]
    return f"{one.label} ({', '.join(named)})" if named else one.label


def columns_of(record: FaithfulnessRecord, operator: str) -> list[Column]:
    """The columns of numbers under one operator: those of metrics that did not fail."""
    columns = []
    judge = record.judge
    if record.shows("aopc", operator):
        columns.append(Column("Share", _share(record), lambda one, under: under.share))
        if record.worst:
            columns.append(Column("NAOPC", _NAOPC, lambda one, under: under.naopc))
        if judge is not None:
            columns.append(
                Column(
                    "Twin's share",
                    _twin(record, judge),
                    lambda one, under: judge.share(one.method, operator),
                )
            )
    columns += [
        Column(
            f"{heading} − random",
            f"{name}, text by text minus that of random orders, {better} is better.",
            lambda one, under, metric=metric: under.minus_random.get(metric),  # type: ignore[misc]
            _places(record, operator, metric),
        )
        for metric, heading, name, better in _DIFFERENCES
        if record.shows(metric, operator)
    ]
    return columns


_NAOPC = "NAOPC: the same from the worst order of each text (0) to the best (1)."
_DIFFERENCES = (
    ("comprehensiveness", "Comp.", "Comp.: comprehensiveness", "higher"),
    ("sufficiency", "Suff.", "Suff.: sufficiency", "lower"),
)


def _share(record: FaithfulnessRecord) -> str:
    what = "the probability of the class" if record.decides else "the predicted score"
    return (
        f"Share: AOPC, what {what} loses on average while words are hidden, most important first, "
        "as a way from random orders (0) to the best order of each text (1)."
    )


def _twin(record: FaithfulnessRecord, judge: JudgeScores) -> str:
    knows = " that knows hidden words" * bool(judge.masking)
    outcomes = "probabilities" if record.decides else "predicted scores"
    return f"Twin's share: the same orders by the {outcomes} of a twin{knows}."


def _places(record: FaithfulnessRecord, operator: str, metric: str) -> int:
    """Decimals of a column of differences, which of predicted scores may be in any unit."""
    if record.decides:
        return 3
    known = [one.under[operator].minus_random for one in record.methods if operator in one.under]
    means = [abs(each[metric].mean) for each in known if metric in each]
    return decimals(max(means, default=0.0))


def _section(record: FaithfulnessRecord, operator: str, methods: Sequence[MethodScores]) -> Section:
    columns = columns_of(record, operator)
    rows = [
        (
            method_name(one),
            f"{one.passes:,.0f}",
            *(written(column.value(one, one.under[operator]), column.places) for column in columns),
        )
        for one in methods
        if operator in one.under
    ]
    header = ("Method", "Passes", *(column.heading for column in columns))
    return Section(f"Words hidden by {OPERATOR_LABELS[operator]}", header, tuple(rows))


def _planted(record: FaithfulnessRecord, methods: Sequence[MethodScores]) -> Section:
    planted = record.planted
    assert planted is not None
    assert planted.random is not None
    rows = [
        (method_name(one), f"{own.n_texts:,}", written(own.precision), written(own.reciprocal_rank))
        for one in methods
        if (own := planted.methods.get(one.method)) is not None
    ]
    chance = planted.random
    expected = (f"{chance.precision:.2f}", f"{chance.reciprocal_rank:.2f}")
    rows.append(("Expected of a random order", NOTHING, *expected))
    header = ("Method", "Texts", "Precision at 1", "Mean reciprocal rank")
    return Section("Words that were planted", header, tuple(rows))


def _notes(record: FaithfulnessRecord) -> Iterator[str]:
    yield (
        f"{record.checkpoint} (weights {record.fingerprint[:SHOWN_HASH_DIGITS]}) on "
        f"{number_of(record.n_texts, 'text')} of {record.data} "
        f"({record.data_fingerprint[:SHOWN_HASH_DIGITS]}), seed {record.seed}; CLSight {version()}."
    )
    columns = [column for operator in record.random for column in columns_of(record, operator)]
    if columns:
        yield " ".join(dict.fromkeys(column.meaning for column in columns))
    judged_by_words = record.planted is not None and bool(record.planted.methods)
    if judged_by_words:
        yield (
            "Precision at 1: the share of texts whose first word is the one that was planted. Mean "
            "reciprocal rank: the mean of 1 / the place of that word."
        )
    if columns or judged_by_words:
        if record.ranking_operators:
            yield "Methods stand in the order of their mean share."
        wilson = "; that of precision at 1 is a Wilson interval" * judged_by_words
        yield (
            f"In parentheses are 95% intervals of {record.resamples:,} bootstrap resamples of the "
            f"texts{wilson}."
        )
        if record.caution:
            yield record.caution
    if record.ranking_operators:
        yield _limits(record)
    yield (
        "The table says how early each method's order of words changes this checkpoint's "
        "prediction of these texts. It doesn't say that the checkpoint is right or what another "
        "one looks at, and texts with hidden words are unlike those that it was trained on."
    )
    if record.metric_test is None:
        yield "Metrics were not tested on degraded explanations."
    else:
        yield record.metric_test.sentence
    if record.judge is not None:
        yield record.judge.sentence
    if record.planted is not None:
        yield record.planted.sentence
    for one in record.methods:
        if one.refused is not None:
            yield f"{method_name(one)}, on {number_of(one.n_texts, 'text')}: {one.refused}"


def _limits(record: FaithfulnessRecord) -> str:
    """What the best and the worst order are of."""
    if record.searched is not None:
        return (
            f"Best and worst order of {number_of(record.searched.n_texts, 'text')} are those "
            f"of a search over {record.searched.n_versions:,} versions each."
        )
    goals = [goal for goal in ("best", "worst") if record.was_searched(goal)]
    searched = f" and a search for the {' and the '.join(goals)}" if goals else ""
    return (
        f"Best and worst order are those of the methods measured{searched}, so that other methods "
        "beside them would move the numbers."
    )


def written(interval: Interval | None, places: int = 2) -> str:
    """A mean with its interval, as in `0.79 (0.76 to 0.82)`."""
    if interval is None:
        return NOTHING
    mean, low, high = (
        true_minus(f"{round(value, places) + 0.0:.{places}f}")
        for value in (interval.mean, interval.low, interval.high)
    )
    return f"{mean} ({low} to {high})"
