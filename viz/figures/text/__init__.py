"""Typesetting: fonts for every script, lines, emoji in color, and text from right to left.

No library sets text on a matplotlib figure this way: matplotlib draws one string in one font,
without fallback in its vector formats, without color emoji and without wrapping.
"""
