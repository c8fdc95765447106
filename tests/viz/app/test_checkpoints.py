"""What a checkpoint is cached by: every file that its answers come from."""

import json
import os
from pathlib import Path

from viz.app.checkpoints import identity


def test_an_adapter_is_loaded_again_when_its_base_changes(tmp_path: Path) -> None:
    adapter, base = tmp_path / "adapter", tmp_path / "base"
    for folder in (adapter, base):
        folder.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "../base"}))
    weights = base / "model.safetensors"
    weights.touch()
    before = identity(str(adapter))
    os.utime(weights, (before[1] + 9, before[1] + 9))
    assert identity(str(adapter)) == (before[0], before[1] + 9)
