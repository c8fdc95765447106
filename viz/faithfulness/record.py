"""faithfulness.json: what was measured of every method for one checkpoint, as it is kept beside it.

Numbers are rounded to 6 decimals, those in the unit of a score to 6 digits of the largest.  All but
`seconds` can be measured again and come out the same.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from viz.errors import RecordError

FILE = "faithfulness.json"
FORMAT = 1
CONTROL = "random"
"""The method that explains nothing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over texts, and where 95 % of means over other such texts would lie."""

    mean: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether all of the interval is."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether all of the interval is; with neither, there is no difference to speak of."""
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Under:
    """What a method reaches under one operator; each by the names in `metrics.MEASURES`."""

    means: Mapping[str, float]
    minus_random: Mapping[str, Interval]
    """Text by text, minus the mean of random orders."""
    minus_default: Mapping[str, Interval]
    """Text by text, minus the default method; empty where that was not scored."""
    share: Interval | None
    """AOPC from random (0) to the best order found (1); None where no order beats random."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One method over all texts."""

    method: str
    """As it was asked for: its name, and options where they were named."""
    name: str
    label: str
    signed: bool
    options: Mapping[str, Any]
    passes: float
    """Plain forward passes that it takes, mean."""
    n_texts: int
    """How many texts it allowed."""
    under: Mapping[str, Under] = field(default_factory=dict)
    """By operator; empty where it was refused for every text."""
    tau_occlusion: float | None = None
    """Agreement with occlusion, mean."""
    polarity: float | None = None
    shares_operator: str | None = None
    """The operator, or `both`, that it hides words with itself, which is its advantage there."""
    refused: str | None = None
    """Why it was refused, the last time it was."""

    @property
    def merit(self) -> float | None:
        """What methods are ranked by: the way from random to the best, mean over operators.

        None where it was not measured under each of them.
        """
        shares = [under.share for under in self.under.values()]
        known = [share.mean for share in shares if share is not None]
        return sum(known) / len(known) if known and len(known) == len(shares) else None


@dataclass(frozen=True, slots=True)
class Record:
    """The file."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the weights."""
    data: str
    data_fingerprint: str
    """SHA-256 of the file of texts."""
    columns: Mapping[str, str | None]
    n_texts: int
    """How many were measured."""
    skipped: Mapping[str, int]
    """How many were not, by why."""
    seed: int
    n_random: int
    """Random orders of each text."""
    resamples: int
    default: str
    """The method that others are held against: the winner, with which the app begins."""
    methods: tuple[Scored, ...]
    random: Mapping[str, Mapping[str, float]]
    """What random orders reach, mean, by operator and measure."""
    best: Mapping[str, float]
    """The highest AOPC of any order of a text, mean, by operator."""
    seconds: Mapping[str, float]
    """Of each method on a text, median; on the machine that measured."""

    def winner(self, most_passes: float = 2.0) -> str | None:
        """The method, as it was asked for, with the highest merit that takes no more passes.

        None where no method was measured that takes so few.  Of equals the first in the list
        wins; the random control never does.
        """
        allowed = [
            each for each in self.methods if each.passes <= most_passes and each.name != CONTROL
        ]
        ranked = [(each.merit, each.method) for each in allowed if each.merit is not None]
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def to_json(self) -> str:
        """The content of the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, allow_nan=False) + "\n"


def load(path: Path) -> Record:
    """Read the file.

    Raises:
        RecordError: where it can't be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content.pop("format") != FORMAT:
            raise RecordError(_another(path, "was written by another version of CLSight"))
        methods = tuple(_scored(each) for each in content.pop("methods"))
        return Record(methods=methods, **content)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise RecordError(f"{path.name!r} can't be read: {reason}; name another.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordError(_another(path, "holds no record of faithfulness")) from error


def _another(path: Path, what: str) -> str:
    return f"{path.name!r} {what}; write it anew with `python -m viz score`."


def _scored(content: Mapping[str, Any]) -> Scored:
    under = {operator: _under(each) for operator, each in content["under"].items()}
    return Scored(**{**content, "under": under})


def _under(content: Mapping[str, Any]) -> Under:
    share = content["share"]
    return Under(
        content["means"],
        _intervals(content["minus_random"]),
        _intervals(content["minus_default"]),
        share and Interval(**share),
    )


def _intervals(content: Mapping[str, Any]) -> Mapping[str, Interval]:
    return {name: Interval(**each) for name, each in content.items()}
