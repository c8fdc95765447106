"""A model that guesses hidden words: what could stand in the place of a word of a text."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.folder import open_folder
from finetune.checkpoint.loading import open_model, open_tokenizer
from finetune.checkpoint.max_length import max_input_length
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.checkpoint.weights import find_weights
from finetune.errors import ModelError, with_article
from viz.attention.words import CONTINUATION
from viz.errors import CheckpointError, as_sentence
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import FORWARD_ERRORS

AT_ONCE = 16
"""Texts read at once."""
CONTEXT = 600
"""Characters on each side of the hidden word that the model is shown."""
TRIED_PER_WORD = 10
"""Tokens that are looked at for each word that is wanted: many of them are no words."""
_BLANK_MARKS = ("Ġ", "▁")
"""How tokenizers mark a token with a blank in front, if they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenWord:
    """A place in a text whose word is to be guessed."""

    text: str
    start: int
    end: int


class MaskedLanguageModel:
    """Guesses what stands in a place of a text; safe to share between threads."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        pieces = tokenizer.get_vocab()
        self._marked = any(piece.startswith(_BLANK_MARKS) and len(piece) > 1 for piece in pieces)
        self._max_tokens = max_input_length(model, tokenizer)

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> Self:
        """Load a folder or a Hub id of a ...ForMaskedLM, as safetensors.

        Raises:
            CheckpointError: if it is none; one sentence says why.
        """
        try:
            folder = open_folder(source)
            config = build_config(folder)
            if config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
                raise ModelError(
                    f"{folder.owner} is {with_article(config.model_type)} model, which guesses no"
                    " hidden words; choose a masked language model"
                )
            weights = find_weights(folder)
            tokenizer = open_tokenizer(folder, config, weights)
            model, report = open_model(folder, config, weights, masked=True)
            if report.missing or report.mismatched:
                raise ModelError(
                    f"{folder.owner} has no head that guesses hidden words, or only a part of it;"
                    " choose a folder that was saved as a masked language model"
                )
            if tokenizer.mask_token_id is None:
                raise ModelError(
                    f"the tokenizer of {folder.owner} has no mask token; choose another masked"
                    " language model"
                )
            check_model_fits(model, tokenizer, folder.owner)
        except ModelError as error:
            raise CheckpointError(as_sentence(error)) from error
        return cls(model, tokenizer)

    def guess(self, places: Sequence[HiddenWord], count: int) -> list[tuple[str, ...]]:
        """The likeliest words of one token for each place, the likeliest first.

        The word that stands there is not among them, whatever its case.  A place that the model
        can't see has none.

        Raises:
            CheckpointError: if the model's own code fails.
        """
        guesses: list[tuple[str, ...]] = []
        for start in range(0, len(places), AT_ONCE):
            check_cancelled()
            guesses += self._guess(places[start : start + AT_ONCE], count)
        return guesses

    def _guess(self, places: Sequence[HiddenWord], count: int) -> list[tuple[str, ...]]:
        mask = self.tokenizer.mask_token
        befores = [place.text[max(0, place.start - CONTEXT) : place.start] for place in places]
        texts = [
            before + str(mask) + place.text[place.end : place.end + CONTEXT]
            for before, place in zip(befores, places, strict=True)
        ]
        encoded = self.tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_offsets_mapping=True,
            return_tensors="pt",
            verbose=False,
        )
        offsets = encoded.pop("offset_mapping")
        try:
            with torch.inference_mode():
                logits = self.model(**encoded).logits
        except FORWARD_ERRORS as error:
            raise CheckpointError(
                f"The masked language model failed on this text ({type(error).__name__}); choose "
                "another one."
            ) from error
        guesses: list[tuple[str, ...]] = []
        for row, (place, before) in enumerate(zip(places, befores, strict=True)):
            hidden = (encoded["input_ids"][row] == self.tokenizer.mask_token_id) & (
                offsets[row][:, 1] == len(before) + len(str(mask))
            )
            positions = hidden.nonzero().flatten().tolist()
            if not positions:
                guesses.append(())
                continue
            scores = logits[row, positions[0]]
            likeliest = scores.topk(min(TRIED_PER_WORD * count, len(scores))).indices.tolist()
            guesses.append(self._words(likeliest, place.text[place.start : place.end], count))
        return guesses

    def _words(self, ids: Sequence[int], written: str, count: int) -> tuple[str, ...]:
        """Those of some tokens that are words by themselves, and another one than is written."""
        words: dict[str, None] = {}
        for piece in self.tokenizer.convert_ids_to_tokens(ids):
            if piece.startswith(CONTINUATION) or (
                self._marked and not piece.startswith(_BLANK_MARKS)
            ):
                continue
            word = self.tokenizer.convert_tokens_to_string([piece]).strip()
            if word.isalnum() and word.casefold() != written.casefold():
                words[word] = None
        return tuple(words)[:count]
