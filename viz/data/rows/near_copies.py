"""Rows that say nearly the same and have different labels."""

from collections import defaultdict

import numpy as np

from finetune.checkpoint.arrays import IntArray
from finetune.data.check.minhash import near_duplicate_pairs, normalized
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.labeled_rows import rows_with_label
from viz.jobs.cancellation import check_cancelled


def conflicting_copies(rows: AuditRows) -> IntArray:
    """For each row, the first one that is a near copy of it with another label; -1 for none.

    Near copies are those of `clsight check`: the same but for case and punctuation, or with at
    least 80% of their runs of four characters in common.  Rows without a text or a label have none.

    Returns:
        (N,), numbers of rows counted from 0.
    """
    copies = np.full(len(rows), -1)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    labels = [] if rows.gold is None else rows.gold.tolist()
    for row in np.flatnonzero(rows_with_label(rows)).tolist():
        if rows.texts[row]:
            parts = (rows.texts[row],) if rows.pairs is None else (rows.texts[row], rows.pairs[row])
            groups[tuple(normalized(part) for part in parts)].append(row)
    check_cancelled()
    members = list(groups.values())
    if not members:
        return copies
    pairs = near_duplicate_pairs([list(side) for side in zip(*groups, strict=True)]).tolist()
    linked: dict[int, list[int]] = {number: list(group) for number, group in enumerate(members)}
    for one, other in pairs:
        linked[one] = linked[one] + members[other]
        linked[other] = linked[other] + members[one]
    for number, group in enumerate(members):
        near = sorted(linked[number])
        first = near[0]
        second = next((other for other in near if labels[other] != labels[first]), -1)
        for row in group:
            copies[row] = second if labels[row] == labels[first] else first
    return copies
