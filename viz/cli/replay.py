"""`clsight replay`: are the numbers in a saved file still those that the model makes?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import CheckpointOption, exit_on_error, print_text

if TYPE_CHECKING:
    from viz.export.json_reader import SavedRecord
    from viz.export.replay import PartResult


def replay(
    file: Annotated[Path, typer.Argument(help="A JSON that CLSight saved, or a ZIP of a reading.")],
    checkpoint: CheckpointOption = None,
) -> None:
    """Compute the numbers of a saved file again, and say whether all agree within 1e-6.

    The checkpoint is looked for by its name in assets/ and checkpoints/, unless --checkpoint names
    it; its weights must be those that made the file.  Attention weights and probabilities may
    differ by 1e-6, logits and scores by 1e-6 times the largest of them (or times 1).

    Example: clsight replay pictures/ag-news-minilm-head-L3-H7.json
    """
    with exit_on_error():
        from viz.export.json_reader import read_records
        from viz.export.replay import Checkpoints, replay

        checkpoints = Checkpoints(checkpoint)
        agree = True
        for saved in read_records(file):
            parts = replay(saved, checkpoints.of(saved))
            print_text("\n".join(_lines(saved, parts)))
            agree = agree and all(part.agrees for part in parts)
    if not agree:
        raise typer.Exit(1)


def _lines(saved: "SavedRecord", parts: "list[PartResult]") -> list[str]:
    wide = max(len(part.name) for part in parts)
    apart = [part.name for part in parts if not part.agrees]
    verdict = f"DIFFERS in {', '.join(apart)}" if apart else "all agree within 1e-6"
    return [
        f"{saved.name}: {verdict}",
        *(
            f"  {part.name:<{wide}}  {'agrees ' if part.agrees else 'DIFFERS'}  {part.finding}"
            for part in parts
        ),
    ]
