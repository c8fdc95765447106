"""Text that came from outside, made safe for Streamlit's Markdown."""

import re

from finetune.data.tables.safe_text import printable, without_links

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#!|$~:^=&])")
_LEADING = re.compile(r"[-+](?=[-+\s]|$)|\d{1,9}[.)](?=\s|$)")
"""What makes a list of a line that begins with it."""


def plain(text: str) -> str:
    """The text with everything escaped that Markdown, or Streamlit's own marks, would act on.

    Class names and file names come with a checkpoint; unescaped, one of them could load a picture
    from a foreign host.
    """
    line = _SPECIAL.sub(r"\\\1", without_links(printable(" ".join(text.split()))))
    if (match := _LEADING.match(line)) is None:
        return line
    return f"{line[: match.end() - 1]}\\{line[match.end() - 1 :]}"
