"""A validation split taken from the training rows, and training without held-out texts."""

import random
from collections import Counter, defaultdict

import numpy as np

from finetune.data.rows import Rows
from finetune.errors import DataError

VALIDATION_SHARE = 0.1


MAX_VALIDATION_ROWS = 2_000
"""What is split off from the training rows without a validation split: the smaller of the two."""


MAX_SCORE_BINS = 10
"""Bins of scores at most, each of which gives its share of a cut split."""


def cut_validation(rows: Rows, *, seed: int) -> tuple[Rows, Rows]:
    """Training and validation rows: every class gives its share of its different texts.

    A class of two texts or more gives one at least, and keeps one.  Scores are cut by ranges of
    them.
    """
    share = min(VALIDATION_SHARE, MAX_VALIDATION_ROWS / len(rows))
    shuffled, texts = random.Random(seed), rows.inputs()
    chosen: dict[tuple[str, str | None], int] = {}
    groups = _by_score(rows) if rows.regression else _by_rarest_class(rows)
    # The rows of a text can have several classes, where labels contradict each other.
    left = [{texts[i] for i in members} for members in groups.values()]
    holding: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for number, group in enumerate(left):
        for text in group:
            holding[text].append(number)
    for members in groups.values():
        first = {texts[i]: i for i in reversed(members) if texts[i] not in chosen}
        own = sorted(first.values())
        size = max(round(len(own) * share), 1) if len(own) > 1 else 0
        for i in shuffled.sample(own, size):
            holders = [left[number] for number in holding[texts[i]]]
            if all(len(group) > 1 for group in holders):
                chosen[texts[i]] = i
                for group in holders:
                    group.remove(texts[i])
    if not chosen:
        raise DataError(
            f"{len(rows)} training rows are too few to cut a validation split, as no"
            f" {'range of scores' if rows.regression else 'class'} has two different texts; give"
            " --validation"
        )
    held_out = sorted(chosen.values())
    train = sorted(set(range(len(rows))).difference(held_out))
    return rows.select(train), rows.select(held_out)


def drop_repeated(rows: Rows, held_out: list[Rows]) -> Rows:
    """*rows* without those whose text occurs word for word in *held_out*."""
    seen = {text for part in held_out for text in part.inputs()}
    return rows.select([i for i, text in enumerate(rows.inputs()) if text not in seen])


def _by_rarest_class(rows: Rows) -> dict[str, list[int]]:
    """Row numbers by class; a row of several classes counts for its rarest."""
    counts = Counter(name for row in rows.labels for name in row)
    groups: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows.labels):
        groups[min(row, key=lambda name: (counts[name], name), default="")].append(i)
    return groups


def _by_score(rows: Rows) -> dict[int, list[int]]:
    """Row numbers by bins of scores with about as many rows in each, ten at least."""
    bins = min(MAX_SCORE_BINS, max(len(rows) // MAX_SCORE_BINS, 1))
    edges = np.quantile(rows.scores or (), np.arange(1, bins) / bins)
    groups: dict[int, list[int]] = defaultdict(list)
    for i, place in enumerate(np.searchsorted(edges, rows.scores or (), side="right")):
        groups[int(place)].append(i)
    return groups
