"""The commands of `python -m viz`, each from a file of its own."""

import typer

from finetune.run.help_text import use_docstrings
from viz.cli.audit import audit
from viz.cli.compare import compare
from viz.cli.export import export
from viz.cli.families import families
from viz.cli.film import film
from viz.cli.heads import heads
from viz.cli.inside import inside
from viz.cli.predict import predict
from viz.cli.prune import prune
from viz.cli.read import read
from viz.cli.replay import replay
from viz.cli.sanity import sanity
from viz.cli.score import score

app = typer.Typer(
    help="See what a fine-tuned text classifier looks at, and why it chose a class.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(export, name="export")
for command in (
    *(read, inside, compare, predict, audit, replay, score, sanity),
    *(heads, prune, film, families),
):
    app.command()(command)
use_docstrings(app)
