"""The tests; libraries come in with less garbage looked for from here on."""

from finetune.checkpoint.garbage import collect_less_garbage

collect_less_garbage()
