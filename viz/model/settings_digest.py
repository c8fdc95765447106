"""What decides the answers of a classifier beside its weights, as one number."""

import hashlib
import json

from finetune.checkpoint.tokenizer import tokenizer_settings
from viz.model.classifier import Classifier

PASSING_ENTRIES = ("_name_or_path", "transformers_version")
"""Entries of a configuration that say where it lies and what opened it."""


def settings_digest(classifier: Classifier) -> str:
    """SHA-256 of its configuration, such as the names of classes, its tokenizer and its limit.

    With `Classifier.fingerprint`, which is of the weights alone, it tells whether what was kept of
    a file would be the same today.
    """
    entries = classifier.config.to_dict()
    config = {name: entry for name, entry in entries.items() if name not in PASSING_ENTRIES}
    encoder = classifier.encoder
    with encoder.lock:
        settings = [config, tokenizer_settings(encoder.tokenizer), encoder.max_tokens]
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
