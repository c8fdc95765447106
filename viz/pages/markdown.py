"""Text that came from outside, made safe for Streamlit's Markdown."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#!|$~:^=])")


def plain(text: str) -> str:
    """The text with everything escaped that Markdown, or Streamlit's own marks, would act on.

    Class names and file names come with a checkpoint; unescaped, one of them could load a picture
    from a foreign host.
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
