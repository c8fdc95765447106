"""A text, as the model sees it: tokens with their place in the text, and what was left out."""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerFast

from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.truncation import Truncation, kept_positions
from finetune.checkpoint.windows import WindowSettings
from finetune.errors import ModelError
from viz.attention.words import is_blank, without_blanks, written_place
from viz.errors import TextError, as_sentence
from viz.model.grouping import Place, is_visible, word_numbers, word_places
from viz.types import Encoding, Inputs, Token, UnseenSpan

_SURROGATES = re.compile("[\ud800-\udfff]")
_LETTER = re.compile(r"\w")


ONE_WINDOW = (
    "This checkpoint was trained to read long texts in windows, with their logits pooled; only one "
    "window is read here, so the class may differ."
)
"""Of a text that is too long for a checkpoint that was trained on windows."""
UNMEASURED = "how well the model reads longer texts was not measured."
"""Of texts of which more tokens are read at once than training read."""
TOKENIZER_FAILS = "the tokenizer of the checkpoint fails on this text"


class RowInputs(NamedTuple):
    """What the model reads of one of many texts."""

    inputs: Inputs
    n_unseen: int
    """Tokens cut off because the model reads only so many."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns texts into encodings for one checkpoint."""

    tokenizer: PreTrainedTokenizerFast
    max_tokens: int
    """The most positions the model reads, special tokens included."""
    inputs: frozenset[str]
    """The inputs that the model takes."""
    n_segments: int | None = 2
    """How many texts the model tells apart by `token_type_ids`; None where it has no table of
    them, as XLNet, and takes any number."""
    truncation: Truncation = "head"
    """Which end of a text that is too long is kept, as in training."""
    window_settings: WindowSettings | None = None
    """How it was trained to read windows over whole texts; None where texts are cut."""
    trained_length: int | None = None
    """At how many tokens training cut texts; None where that is unknown, or it read windows."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held while tokenizing: a tokenizer stores how it truncates, for all threads."""

    def encode(self, text: str, pair: str | None = None) -> Encoding:
        """Encode a text, or a pair of texts, cut to what the model can read.

        Raises:
            TextError: if no token of the text reaches the model.
        """
        notes: list[str] = []
        text = _replace_surrogates(text, notes)
        pair = _replace_surrogates(pair, notes) if pair is not None else None
        _check_not_empty(text, pair)
        encoded = self._tokenize(text, pair)
        positions = self._read_positions(encoded.sequence_ids())
        encoding = Encoding(
            text,
            pair,
            self._tokens(text, pair, encoded, positions),
            self._inputs(encoded, positions),
            n_unseen=len(encoded["input_ids"]) - len(positions),
            unseen=_unseen_spans(encoded, positions),
        )
        notes += [
            *self._truncation_notes(encoding),
            *self._unknown_notes(encoding),
            *self._literal_notes(encoding),
            *self.length_notes(encoding.n_tokens),
        ]
        return replace(encoding, notes=tuple(notes))

    def length_notes(self, n_tokens: int) -> Iterator[str]:
        """A note where more tokens are read at once than in training."""
        if self.trained_length is not None and n_tokens > self.trained_length:
            yield (
                f"{n_tokens:,} tokens are read at once, but training cut texts at "
                f"{self.trained_length:,}: {UNMEASURED}"
            )

    def encode_rows(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> list[RowInputs | None]:
        """The inputs of many texts, or pairs, without their tokens' places, which take long.

        They are the very inputs that `encode` gives; None for a text that it refuses.
        """
        parts = list(zip(texts, [None] * len(texts) if pairs is None else pairs, strict=True))
        plain = [
            i for i, row in enumerate(parts) if all(part is None or _is_plain(part) for part in row)
        ]
        rows: dict[int, RowInputs] = {}
        if plain:
            rows = self._encode_plain(plain, [parts[i] for i in plain])
        return [rows[i] if i in rows else self._encode_row(*row) for i, row in enumerate(parts)]

    def _encode_plain(
        self, numbers: Sequence[int], parts: Sequence[tuple[str, str | None]]
    ) -> dict[int, RowInputs]:
        """Those of texts of letters whose tokens are all known: of others `encode` knows more."""
        texts, pairs = [text for text, _ in parts], [pair for _, pair in parts]
        try:
            encoded = self._tokenize(texts, None if pairs[0] is None else pairs, offsets=False)
        except TextError:
            return {}
        unknown, rows = self.tokenizer.unk_token_id, dict[int, RowInputs]()
        for row, number in enumerate(numbers):
            columns = {name: encoded[name][row] for name in encoded}
            ids = columns["input_ids"]
            if not ids or unknown in ids:
                continue
            positions: Sequence[int] = range(len(ids))
            if len(ids) > self.max_tokens:
                positions = self._read_positions(encoded.sequence_ids(row))
            rows[number] = RowInputs(self._inputs(columns, positions), len(ids) - len(positions))
        return rows

    def _encode_row(self, text: str, pair: str | None) -> RowInputs | None:
        try:
            encoding = self.encode(text, pair)
        except TextError:
            return None
        return RowInputs(encoding.inputs, encoding.n_unseen)

    def words(self, text: str) -> list[Place]:
        """Where the words of a text stand, as `spans` has them, however much of it is read.

        They can't be told without its tokens: one over several words makes these one.  A text that
        the tokenizer fails on, which is never read, has none.
        """
        text = _replace_surrogates(text, [])
        try:
            encoded = self._tokenize(text, None)
        except TextError:
            return []
        parts, places = encoded.sequence_ids(), encoded["offset_mapping"]
        tokens = [place for place, part in zip(places, parts, strict=True) if part == 0]
        reach: dict[int, Place] = {}
        for number, (start, end) in zip(self._numbers(text, tokens), tokens, strict=True):
            first, last = reach.get(number, (start, end))
            reach[number] = min(first, start), max(last, end)
        return [
            written_place(text, start, end)
            for start, end in reach.values()
            if text[start:end].strip()
        ]

    def probe(self, n_words: int = 3) -> Encoding:
        """An encoding for trying a checkpoint out; its tokens may be unknown ones."""
        n_words = min(n_words, self.max_tokens)  # more would be cut away
        text = " ".join("abc"[index % 3] for index in range(n_words))
        encoded = self._tokenize(text, None)
        positions = self._read_positions(encoded.sequence_ids())
        return Encoding(
            text,
            None,
            self._tokens(text, None, encoded, positions),
            self._inputs(encoded, positions),
        )

    def _tokenize(self, text: Any, pair: Any, *, offsets: bool = True) -> Any:
        """Of one text or of many."""
        try:
            with (
                self.lock,
                as_model_error(TOKENIZER_FAILS, "save the one the model was trained with"),
            ):
                return self.tokenizer(text, pair, return_offsets_mapping=offsets, verbose=False)
        except ModelError as error:
            raise TextError(as_sentence(error)) from error

    def _read_positions(self, parts: Sequence[int | None]) -> list[int]:
        """The positions that the model reads, cut where training and plain transformers cut."""
        mode = self.truncation
        if mode == "head" and self.tokenizer.truncation_side == "left":
            mode = "tail"
        return kept_positions(parts, max_length=self.max_tokens, mode=mode)

    def _tokens(
        self, text: str, pair: str | None, encoded: Any, positions: Sequence[int]
    ) -> tuple[Token, ...]:
        parts: list[int | None] = encoded.sequence_ids()
        places, ids = encoded["offset_mapping"], encoded["input_ids"]
        words = self._words((text, pair or ""), parts, places)
        pieces = self.tokenizer.convert_ids_to_tokens([ids[index] for index in positions])
        tokens: list[Token] = []
        for piece, index in zip(pieces, positions, strict=True):
            part = parts[index]
            if part is None:
                tokens.append(Token(piece, 0, 0, None, special=True))
            else:
                start, end = without_blanks((text, pair or "")[part], *places[index])
                tokens.append(Token(piece, start, end, words[index], special=False, part=part))
        return tuple(tokens)

    def _words(
        self,
        texts: tuple[str, str],
        parts: Sequence[int | None],
        places: Sequence[tuple[int, int]],
    ) -> dict[int, int]:
        """The word of each token that isn't special, counted over both texts."""
        words: dict[int, int] = {}
        for part, text in enumerate(texts):
            indices = [index for index, own in enumerate(parts) if own == part]
            first = max(words.values(), default=-1) + 1
            numbers = self._numbers(text, [places[index] for index in indices])
            words |= {i: first + number for i, number in zip(indices, numbers, strict=True)}
        return words

    def _numbers(self, text: str, tokens: Sequence[Place]) -> list[int]:
        """The number of the word that each token of a text belongs to."""
        return word_numbers(word_places(text, self.tokenizer), tokens)

    def _inputs(self, encoded: Any, positions: Sequence[int]) -> dict[str, Any]:
        arrays = {
            name: np.array(encoded[name], dtype=np.int64)[positions]
            for name in self.tokenizer.model_input_names
            if name in self.inputs and name in encoded
        }
        if "token_type_ids" in arrays and self.n_segments is not None:
            arrays["token_type_ids"] = arrays["token_type_ids"].clip(max=self.n_segments - 1)
        return arrays

    def _truncation_notes(self, encoding: Encoding) -> Iterator[str]:
        """How much the model doesn't see, and where in a single text that stands."""
        if not encoding.n_unseen:
            return
        n_all = encoding.n_tokens + encoding.n_unseen
        where, inside = "", ""
        if encoding.pair is None and encoding.unseen:
            tokens = [token for token in encoding.tokens if not token.special]
            before = bool(tokens) and encoding.unseen[0].start < tokens[0].start
            behind = not tokens or encoding.unseen[-1].end > tokens[-1].end
            where = "the first " if before else "the last " if behind else ""
            inside = "" if where else " in the middle"
        yield (
            f"The model never saw {where}{encoding.n_unseen:,} of {n_all:,} tokens{inside}: "
            f"it reads at most {self.max_tokens:,}."
        )
        if self.window_settings is not None:
            yield ONE_WINDOW

    def _unknown_notes(self, encoding: Encoding) -> Iterator[str]:
        """A note if some of the text is unknown to the vocabulary.

        Raises:
            TextError: if no token, or no known token, is left.
        """
        tokens = [token for token in encoding.tokens if not token.special]
        written = [token for token in tokens if not is_blank(encoding, token)]
        if not any(map(is_visible, map(encoding.token_text, written))):
            raise TextError("No token of this text is left; write at least one word.")
        unknown = [
            token
            for token in written
            if token.text == self.tokenizer.unk_token != encoding.token_text(token)
        ]
        long = [token for token in unknown if self._is_too_long(encoding.token_text(token))]
        if len(unknown) == len(written):
            raise TextError(self._nothing_known(encoding, unknown, long))
        if unknown:
            are = "is" if len(unknown) == 1 else "are"
            yield (
                f"{len(unknown)} of {len(tokens)} tokens {are} unknown to the vocabulary "
                f"({self.tokenizer.unk_token}): the model can't tell what was written there."
            )
        if long:
            words = "1 word is" if len(long) == 1 else f"{len(long)} words are"
            yield (
                f"{words} longer than the {self._longest_word} characters that the tokenizer "
                f"accepts, and became {self.tokenizer.unk_token}."
            )

    def _nothing_known(
        self, encoding: Encoding, unknown: Sequence[Token], long: Sequence[Token]
    ) -> str:
        if not long:
            return (
                "No character of this text is in the model's vocabulary, so there is nothing to "
                "read; write in the language and script it was trained on."
            )
        longest = max(len(encoding.token_text(token)) for token in long)
        which = "Every word" if len(long) == len(unknown) else "At least one word"
        return (
            f"{which} of this text is too long for the tokenizer ({longest:,} characters; it "
            f"accepts {self._longest_word}), and no other word is in its vocabulary; put spaces "
            "between words."
        )

    @property
    def _longest_word(self) -> int | None:
        """The most characters of a word that the tokenizer looks up; None where there is no end."""
        return getattr(self.tokenizer.backend_tokenizer.model, "max_input_chars_per_word", None)

    def _is_too_long(self, word: str) -> bool:
        """Whether a word is unknown for its length alone: its beginning would be known."""
        most, backend = self._longest_word, self.tokenizer.backend_tokenizer
        if most is None or len(word) <= most:
            return False
        if backend.normalizer is not None:
            word = backend.normalizer.normalize_str(word)
        begins = [token.value for token in backend.model.tokenize(word[:most])]
        return len(word) > most and begins != [self.tokenizer.unk_token]

    @property
    def special_names(self) -> frozenset[str]:
        """How special tokens are written."""
        tokens = self.tokenizer.added_tokens_decoder.values()
        return frozenset(
            [*self.tokenizer.all_special_tokens, *(str(each) for each in tokens if each.special)]
        )

    def written_specials(self, encoding: Encoding) -> list[str]:
        """Special tokens that are written out in the text, since the model reads them as such.

        They count as words of the text everywhere, since a reader wrote them.
        """
        special = self.special_names
        return list(
            dict.fromkeys(
                token.text
                for token in encoding.tokens
                if not token.special
                and token.text in special
                and encoding.token_text(token).strip() == token.text
            )
        )

    def _literal_notes(self, encoding: Encoding) -> Iterator[str]:
        names = self.written_specials(encoding)
        if names:
            are = "is read as a special token" if len(names) == 1 else "are read as special tokens"
            yield f"{', '.join(names)} in the text {are}."


def _unseen_spans(encoded: Any, positions: Sequence[int]) -> tuple[UnseenSpan, ...]:
    """The stretches of the texts whose tokens are not read."""
    parts, places = encoded.sequence_ids(), encoded["offset_mapping"]
    spans: list[UnseenSpan] = []
    for before, after in pairwise([-1, *positions, len(parts)]):
        for part in (0, 1):
            gap = [places[index] for index in range(before + 1, after) if parts[index] == part]
            if gap:
                spans.append(UnseenSpan(part, gap[0][0], gap[-1][1]))
    return tuple(sorted(spans))


def _is_plain(text: str) -> bool:
    return bool(_LETTER.search(text)) and not _SURROGATES.search(text)


def _replace_surrogates(text: str, notes: list[str]) -> str:
    """The text with lone surrogates, which are not characters, replaced one for one."""
    replaced, count = _SURROGATES.subn("\ufffd", text)
    if count:
        characters = "1 invalid character was" if count == 1 else f"{count} invalid characters were"
        notes.append(f"{characters} replaced with \ufffd.")
    return replaced


def _check_not_empty(text: str, pair: str | None) -> None:
    if not text.strip():
        raise TextError("The text is empty; write at least one word.")
    if pair is not None and not pair.strip():
        raise TextError("The second text is empty; write at least one word, or leave it out.")
