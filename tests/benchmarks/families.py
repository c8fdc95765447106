"""What holds of each family that transformers classifies with, as a table.

    python -m tests.benchmarks.families [family ...] [--double] [--record]

A tiny random folder of each family, and of variants that compute differently, is opened by CLSight
and by plain transformers, and each claim of `tests/family_claims.py` is tried.  `ok` holds, `-` is
refused in a sentence (all of them are listed below the table), `WRONG` and `RAISED` are faults.
With --record a model of each family is trained as well, and what holds is saved beside the code,
where `clsight families` reads it.
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers.utils import logging

from tests.families import FAMILIES, NOT_BUILT, VARIANTS, family_checkpoint
from tests.family_claims import CLAIMS, Subject, outcome
from tests.family_record import record_of
from tests.finetune.news import news, write_csv
from viz.model.family_record import RECORD, FamilyRecords, family_records


def main() -> None:
    """Print a line a family as soon as it is tried, then sums and sentences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", metavar="family")
    parser.add_argument("--double", action="store_true", help="compute in float64")
    parser.add_argument("--claims", nargs="*", default=list(CLAIMS), help="of all")
    parser.add_argument("--record", action="store_true", help="save what `clsight families` prints")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    if options.record:
        save_record(options.families or [*FAMILIES, *NOT_BUILT])
        return
    names = options.families or [*FAMILIES, *VARIANTS]
    dtype = torch.float64 if options.double else torch.float32
    print_table(names, options.claims, dtype)


def save_record(names: Sequence[str]) -> None:
    """Try families and save what holds; those that are not named stay as they were."""
    known = dict(family_records().families) if RECORD.exists() else {}
    with TemporaryDirectory() as folder:
        data = write_csv(Path(folder) / "news.csv", news(24))
        for name in names:
            known[name] = record_of(name, data)
            print(name, known[name].model_dump(exclude_defaults=True), flush=True)
            families = dict(sorted(known.items()))
            record = FamilyRecords(transformers=version("transformers"), families=families)
            text = record.model_dump_json(indent=1, exclude_defaults=True)
            RECORD.write_text(f"{text}\n", encoding="utf-8")


def print_table(names: Sequence[str], claims: Sequence[str], dtype: torch.dtype) -> None:
    """Try the claims on each family."""
    width = max(map(len, names)) + 2
    print(" " * width + " ".join(f"{claim:<12}" for claim in ["opens", *claims]))
    found: dict[str, Counter[str]] = {claim: Counter() for claim in ["opens", *claims]}
    sentences: list[str] = []
    for name in names:
        cells = _cells(name, claims, dtype)
        print(f"{name:<{width}}" + " ".join(f"{_word(c):<12}" for c in cells.values()), flush=True)
        for claim, text in cells.items():
            found[claim][_word(text)] += 1
            if text:
                sentences.append(f"{name}, {claim}: {text}")
    for claim, counts in found.items():
        print(f"{claim}: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
    print(
        "\n".join([*sentences, *(f"{name}, not built: {why}" for name, why in NOT_BUILT.items())])
    )


def _cells(name: str, claims: Sequence[str], dtype: torch.dtype) -> dict[str, str]:
    """How opening and each claim ends; nothing but opening where that fails."""
    with TemporaryDirectory() as folder:
        path = family_checkpoint(Path(folder) / name.replace(" ", "-"), name)
        opened: list[Subject] = []
        cells = {"opens": outcome(lambda: opened.append(Subject(path, dtype)))}
        for claim in claims if opened else ():
            cells[claim] = outcome(lambda claim=claim: CLAIMS[claim](opened[0]))  # type: ignore[misc]
    return cells


def _word(text: str) -> str:
    if not text:
        return "ok"
    return {"refused": "-", "WRONG": "WRONG"}.get(text.split(":")[0], "RAISED")


if __name__ == "__main__":
    main()
