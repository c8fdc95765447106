"""A part of an audit that can't be given, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Stands where a result would."""

    missing: str
    """One sentence for the reader."""
