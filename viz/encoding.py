"""A text, as the model sees it: tokens with their place in the text, and what was left out."""

import re
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from viz.errors import TextError
from viz.types import Encoding, Token

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns texts into encodings for one checkpoint."""

    tokenizer: PreTrainedTokenizerFast
    max_tokens: int
    """The most positions the model reads, special tokens included."""
    inputs: frozenset[str]
    """The inputs that the model takes."""
    n_segments: int = 2
    """How many texts the model tells apart by `token_type_ids`."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held while tokenising: the tokenizer keeps how it cuts in itself, for all threads."""

    def encode(self, text: str, pair: str | None = None) -> Encoding:
        """Encode a text, or a pair of texts, cut to what the model can read.

        Raises:
            TextError: where nothing of the text reaches the model.
        """
        notes: list[str] = []
        text = _whole(text, notes)
        pair = _whole(pair, notes) if pair is not None else None
        _check_written(text, pair)
        full = self._tokenize(text, pair, cut=False)
        n_unseen = max(0, len(full["input_ids"]) - self.max_tokens)
        cut = self._tokenize(text, pair, cut=True) if n_unseen else full
        if n_unseen:
            last = "the last " if pair is None else ""
            notes.append(
                f"The model never saw {last}{n_unseen:,} of {len(full['input_ids']):,} tokens: "
                f"{self.max_tokens:,} are read at most."
            )
        tokens = self._tokens(cut)
        notes.extend(self._unknown(tokens))
        return Encoding(text, pair, tokens, self._inputs(cut), n_unseen, tuple(notes))

    def probe(self, n_words: int = 3) -> Encoding:
        """An encoding for trying a checkpoint out; its tokens may be unknown ones."""
        text = " ".join("abc"[index % 3] for index in range(n_words))
        encoded = self._tokenize(text, None, cut=True)
        return Encoding(text, None, self._tokens(encoded), self._inputs(encoded))

    def _tokenize(self, text: str, pair: str | None, *, cut: bool) -> Any:
        with self.lock:
            return self.tokenizer(
                text,
                pair,
                truncation="longest_first" if cut else False,
                max_length=self.max_tokens if cut else None,
                return_offsets_mapping=True,
                verbose=False,
            )

    def _tokens(self, encoded: Any) -> tuple[Token, ...]:
        parts: list[int | None] = encoded.sequence_ids()
        words: list[int | None] = encoded.word_ids()
        texts = self.tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        # Words are counted from 0 in each text of a pair; ours go on counting.
        numbers = [w for w, part in zip(words, parts, strict=True) if part == 0 and w is not None]
        first = max(numbers, default=-1) + 1
        return tuple(
            Token(
                text=texts[index],
                start=start if part is not None else 0,
                end=end if part is not None else 0,
                word=None if word is None or part is None else word + first * part,
                special=part is None,
                part=part,
            )
            for index, ((start, end), word, part) in enumerate(
                zip(encoded["offset_mapping"], words, parts, strict=True)
            )
        )

    def _inputs(self, encoded: Any) -> dict[str, Any]:
        arrays = {
            name: np.array(encoded[name], dtype=np.int64)
            for name in self.tokenizer.model_input_names
            if name in self.inputs and name in encoded
        }
        if "token_type_ids" in arrays:
            arrays["token_type_ids"] = arrays["token_type_ids"].clip(max=self.n_segments - 1)
        return arrays

    def _unknown(self, tokens: tuple[Token, ...]) -> list[str]:
        """A note where some of the text is unknown to the vocabulary.

        Raises:
            TextError: where no token, or no known token, is left.
        """
        written = [token for token in tokens if not token.special]
        unknown = sum(token.text == self.tokenizer.unk_token for token in written)
        if not written:
            raise TextError(
                "Nothing of this text is left after tokenising; write at least one word."
            )
        if unknown == len(written):
            raise TextError(
                "No character of this text is in the model's vocabulary, so there is nothing to "
                "read; write in the language and script it was trained on."
            )
        if not unknown:
            return []
        are = "is" if unknown == 1 else "are"
        return [
            f"{unknown} of {len(written)} tokens {are} unknown to the vocabulary "
            f"({self.tokenizer.unk_token}): the model can't tell what stood there."
        ]


def _whole(text: str, notes: list[str]) -> str:
    """The text with lone surrogates, which are no characters, replaced one for one."""
    whole, count = _SURROGATES.subn("\ufffd", text)
    if count:
        notes.append(f"{count} broken character{'s' * (count > 1)} came and were read as \ufffd.")
    return whole


def _check_written(text: str, pair: str | None) -> None:
    if not text.strip():
        raise TextError("The text is empty; write at least one word.")
    if pair is not None and not pair.strip():
        raise TextError("The second text is empty; write at least one word, or leave it out.")
