"""A public machine: one setting switches off what strangers should not do on it."""

import os

from viz.errors import RunError

SETTING = "CLSIGHT_PUBLIC"
"""The environment variable; 1 means that anybody may use the app."""


def is_public() -> bool:
    """Whether uploads, training, deleting and paths are switched off."""
    return os.environ.get(SETTING, "").strip().lower() not in ("", "0", "false", "no", "off")


def require_private(action: str) -> None:
    """Refuse an action where the app is public; a RunError says what to do.

    Args:
        action: What was asked for, as in "training".
    """
    if is_public():
        raise RunError(
            f"This app is public, so {action} is switched off; install CLSight to do it on a "
            "machine of your own."
        )
