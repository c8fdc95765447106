"""Text that came from outside, made safe for Streamlit's Markdown."""

import re

from finetune.data.tables.safe_text import printable, without_links, without_list

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#!|$~:^=&])")


def plain(text: str) -> str:
    """The text with everything escaped that Markdown, or Streamlit's own marks, would act on.

    Class names and file names come with a checkpoint; unescaped, one of them could load a picture
    from a foreign host.
    """
    line = without_links(printable(" ".join(text.split())))
    return without_list(_SPECIAL.sub(r"\\\1", line))
