"""`clsight families`: which families of models open, and what can be done with each."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import exit_on_error, print_text
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.model.family_record import FamilyRecord, FamilyRecords

COLUMNS = ("family", "attention", "exact", "heads", "layers", "trains")


def families(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Families, by the model_type in config.json; what they refuse is explained.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the families of models that open, and what was proved of each.

    A small model of each was compared with plain transformers. attention: there is a map for each
    head; exact: scores of tokens sum to the class; heads: they can be switched off; layers: how
    many of the methods that take layers apart can be used; trains: clsight train takes it.

    Example: clsight families modernbert xlnet
    """
    with exit_on_error():
        from viz.model.family_record import family_records

        records = family_records()
        chosen = _chosen(records, names or [])
        if as_json:
            rows = {name: record.model_dump() for name, record in chosen.items()}
            print_text(json.dumps({"transformers": records.transformers, "families": rows}))
            return
        _print_table(chosen)
        for name, record in chosen.items() if names else ():
            _print_reasons(name, record)


def _chosen(records: "FamilyRecords", names: list[str]) -> "dict[str, FamilyRecord]":
    unknown = [name for name in names if name not in records.families]
    if unknown:
        raise SelectionError(
            f"{unknown[0]!r} is none of the {len(records.families)} families that transformers "
            f"{records.transformers} classifies with; clsight families lists them."
        )
    return {name: records.families[name] for name in names or sorted(records.families)}


def _print_table(chosen: "dict[str, FamilyRecord]") -> None:
    rows = [COLUMNS, *(_row(name, record) for name, record in chosen.items())]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_text("  ".join(cells).rstrip())


def _row(name: str, record: "FamilyRecord") -> tuple[str, ...]:
    if record.opens:
        return (name, *("–" for _ in COLUMNS[2:]), _yes(record.trains))
    attention = "encoder" if record.encoder_only else _yes(record.attention)
    n_layer_methods = str(len(record.layer_methods)) if record.layer_methods else "–"
    others = (_yes(record.decomposition), _yes(record.gates), n_layer_methods, _yes(record.trains))
    return (name, attention, *others)


def _yes(reason: str) -> str:
    return "–" if reason else "yes"


def _print_reasons(name: str, record: "FamilyRecord") -> None:
    reasons = (record.opens, record.attention, record.decomposition, record.gates, record.trains)
    for reason in dict.fromkeys(filter(None, reasons)):
        print_text(f"\n{name}: {reason}")
