"""Nothing is counted and nobody is told: what the libraries would send on their own is off.

`datasets` tells a counter of every file it reads, one on this disk too; the Hub's client says who
asks; and `transformers` has others convert weights.  They read the environment when they are
imported, so this has to come first, and it holds for processes started later as well.
"""

import os
import sys
from types import ModuleType

OPT_OUT = {
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
}
"""Environment variables, and what each is set to."""
CONSTANTS = {
    "datasets.config": ("HF_UPDATE_DOWNLOAD_COUNTS", False),
    "huggingface_hub.constants": ("HF_HUB_DISABLE_TELEMETRY", True),
}
"""Modules that were read from the environment where they came first; the name they keep it by."""


def disable_telemetry() -> None:
    """Turn off what libraries send on their own, imported or not."""
    os.environ.update(OPT_OUT)
    for name, (constant, value) in CONSTANTS.items():
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            setattr(module, constant, value)
