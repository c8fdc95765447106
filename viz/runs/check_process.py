"""A process that checks data whenever it is asked to, so that libraries are imported once.

`viz.runs.data_check` starts it and writes to its input, one line for each check: its options as
JSON.  It answers each with a line, the sentence that says why there is no report, or an empty one.
It ends with its input, so that nothing is left behind however the app ends.
"""

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from finetune.__main__ import app, one_sentence
from viz.runs.files import last_line


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not an answer
    with one_sentence():
        import finetune.data.check.run  # noqa: F401 - before the first check is asked for
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


def answer(options: Sequence[str]) -> str:
    """The last line that `clsight check` writes to its standard error."""
    errors = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(errors):
        try:
            app(["check", *options], standalone_mode=False)
        except Exception:
            traceback.print_exc()
    return last_line(errors.getvalue())


if __name__ == "__main__":
    main()
