"""Checkpoints of the Hub, of runs that stopped, in odd places: what opens, and what is read."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from tokenizers.processors import ByteLevel
from transformers import AutoModel, AutoModelForSequenceClassification

from finetune.checkpoint.folder import checkpoints_in
from finetune.checkpoint.models import load_base, load_masked, load_tokenizer, max_input_length
from finetune.checkpoint.models import load_checkpoint as load
from finetune.checkpoint.opening import open_classifier
from finetune.checkpoint.tokenizer import check_tokenizer
from finetune.errors import ModelError
from tests.adapters import save_adapter
from tests.family_tokenizers import KINDS, family_tokenizer
from tests.malformed_checkpoints import MALFORMED_CHECKPOINTS, edit, sharded
from tests.sentence_models import WIDTH, add_dense, tiny_sentence_model
from tests.tiny_models import FAMILIES, Family, tiny_checkpoint, tiny_config
from viz import Classifier

ROOT = Path(__file__).parents[3]
COMMIT = "0" * 40
ADAPTER: dict[str, Any] = {"r": 2, "task_type": "SEQ_CLS", "target_modules": ["query"]}


def in_cache(whole: Path, cache: Path, name: str = "owner/tiny") -> Path:
    """The files of a folder as the Hub's client keeps them: links to content by its sum."""
    model = cache / f"models--{name.replace('/', '--')}"
    snapshot = model / "snapshots" / COMMIT
    for place in (snapshot, model / "blobs", model / "refs"):
        place.mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT)
    for file in whole.iterdir():
        content = file.read_bytes()
        blob = hashlib.sha256(content).hexdigest()
        (model / "blobs" / blob).write_bytes(content)
        (snapshot / file.name).symlink_to(f"../../blobs/{blob}")
    return snapshot


def test_a_snapshot_of_the_hubs_cache_opens_as_a_folder(base: Path, tmp_path: Path) -> None:
    snapshot = in_cache(base, tmp_path)
    here, there = open_classifier(base), open_classifier(snapshot)
    assert here.fingerprint() == there.fingerprint()
    for own, other in zip(here.model.parameters(), there.model.parameters(), strict=True):
        assert torch.equal(own, other)


def test_a_link_out_of_the_hubs_own_folder_is_refused(base: Path, tmp_path: Path) -> None:
    snapshot = in_cache(base, tmp_path)
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(base / "config.json")
    with pytest.raises(ModelError, match="points outside the folder"):
        open_classifier(snapshot)


def test_an_id_of_the_hub_opens_from_the_cache(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_cache(base, tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    opened = open_classifier("owner/tiny")
    assert opened.folder.title == "owner/tiny"
    assert opened.config.num_labels == 4
    with pytest.raises(ModelError, match="the Hugging Face Hub has no such model"):
        open_classifier("owner/other")


def test_code_of_an_id_on_the_hub_is_never_run(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_copy = shutil.copytree(base, tmp_path / "broken")
    MALFORMED_CHECKPOINTS["code of an unknown model"][0](folder_copy)
    in_cache(folder_copy, tmp_path, "owner/evil")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    with pytest.raises(ModelError, match="contains code of its own"):
        open_classifier("owner/evil")
    assert not list(tmp_path.glob("ran-*"))


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as its client needs, over the folders of `root`; it counts requests."""

    root: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.asked.append(self.path)
        parts = self.path.partition("?")[0].strip("/").split("/")
        owner_name = parts[2:4] if parts[0] == "api" else parts[:2]
        folder = self.root / "--".join(owner_name)
        found = folder.rglob("*") if folder.is_dir() else []
        files = sorted(file.relative_to(folder).as_posix() for file in found if file.is_file())
        if not files:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            return
        if parts[0] == "api" and "tree" in parts:
            body = json.dumps(
                [
                    {
                        "type": "file",
                        "path": name,
                        "size": (folder / name).stat().st_size,
                        "oid": hashlib.sha1((folder / name).read_bytes()).hexdigest(),
                    }
                    for name in files
                ]
            ).encode()
        elif parts[0] == "api":
            siblings = [{"rfilename": name} for name in files]
            body = json.dumps(
                {"id": "/".join(owner_name), "sha": COMMIT, "siblings": siblings}
            ).encode()
        else:
            body = folder.joinpath(*parts[4:]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hub(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a Hub over *root*, and what it was asked."""
    asked: list[str] = []
    handler = type("Here", (Hub,), {"root": root, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


OPEN_EACH = """
import sys
from finetune.checkpoint.garbage import collect_less_garbage
collect_less_garbage()
from finetune.checkpoint.opening import open_classifier
from finetune.errors import ModelError
for source in sys.argv[1:]:
    try:
        print(open_classifier(source).fingerprint())
    except ModelError as error:
        print(error)
"""


def opened_by_another_process(address: str, home: Path, *sources: object) -> list[str]:
    """What a process that has a Hub at *address* says of each source."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name != "HF_HUB_OFFLINE"
    }
    done = subprocess.run(
        [sys.executable, "-c", OPEN_EACH, *map(str, sources)],
        env=environment | {"HF_ENDPOINT": address, "HF_HOME": str(home)},
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=True,
        input="y\n" * 5,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_only_an_id_is_asked_of_the_hub_and_only_what_is_read_is_fetched(
    base: Path, tmp_path: Path
) -> None:
    room = tmp_path / "hub"
    shutil.copytree(base, room / "owner--tiny")
    (room / "owner--tiny" / "pytorch_model.bin").write_bytes(b"pickle")
    folder_copy = shutil.copytree(base, room / "broken")
    MALFORMED_CHECKPOINTS["code of an unknown model"][0](folder_copy)
    folder_copy.rename(room / "owner--evil")
    save_adapter(room / "owner--adapter", base, LoraConfig(**ADAPTER), n_labels=4)
    edit(room / "owner--adapter" / "adapter_config.json", base_model_name_or_path="owner/tiny")
    sentences = tiny_sentence_model(room / "owner--sentences")
    add_dense(sentences, WIDTH, 3)
    with hub(room) as (address, asked):
        told = opened_by_another_process(
            address, tmp_path / "home", base, "owner/tiny", "owner/evil", "owner/none",
            "owner/adapter", room / "owner--adapter", "owner/sentences", sentences,
        )  # fmt: skip
    assert told[:2] == [open_classifier(base).fingerprint()] * 2
    assert "contains code of its own" in told[2]
    assert "no such model" in told[3]
    assert told[4] == told[5] != told[0]
    assert told[6] == told[7]
    assert len(told[4]) == len(told[6]) == 64
    others = [path for path in asked if "owner/" not in path]
    assert set(others) <= {"/api/agent-harnesses"}  # the client's own, once it is on the Hub
    assert any(path.endswith("model.safetensors") for path in asked)
    assert not any(path.endswith((".bin", ".py")) for path in asked)
    assert not any("evil" in path and "safetensors" in path for path in asked)
    assert not list(room.glob("ran-*"))


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        (("checkpoints/checkpoint-9", "checkpoints/checkpoint-10"), "checkpoints/checkpoint-10"),
        (("seeds/1/checkpoints/checkpoint-4",), "seeds/1/checkpoints/checkpoint-4"),
    ],
)
def test_the_working_folder_of_a_stopped_run_names_its_last_snapshot(
    inside: tuple[str, ...], named: str, base: Path, tmp_path: Path
) -> None:
    work = tmp_path / ".news.partial"
    for place in inside:
        shutil.copytree(base, work / place)
    assert checkpoints_in(work)[-1] == named
    with pytest.raises(ModelError, match="a run that was stopped") as caught:
        load(str(work))
    assert f"{named!r}" in str(caught.value)
    assert load(str(work / named)).labels


def test_a_path_that_is_not_utf_8_is_one_sentence(base: Path, tmp_path: Path) -> None:
    place = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    shutil.copytree(base, place)
    with pytest.raises(ModelError, match="is not UTF-8") as caught:
        open_classifier(place)
    assert str(caught.value).isprintable()


def test_the_fingerprint_is_that_of_the_files_that_were_loaded(base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(base, tmp_path / "two")
    sharded(folder)
    (folder / "another.safetensors").write_bytes(b"nobody reads it")
    parts = [folder / f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    expected = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    assert Classifier.load(folder).fingerprint == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_both_halves_read_as_many_tokens(family: Family, tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / family, family)
    _, before = load_tokenizer(str(folder))
    assert (
        before == max_input_length(load(str(folder))) == Classifier.load(folder).encoder.max_tokens
    )


def test_a_model_is_the_same_whichever_way_transformers_loads_it(base: Path) -> None:
    plain = AutoModelForSequenceClassification.from_pretrained(base)
    state = open_classifier(base).model.state_dict()
    assert state.keys() == plain.state_dict().keys()
    for name, value in plain.state_dict().items():
        assert torch.equal(state[name], value)


def test_what_a_base_lacks_is_drawn_as_transformers_draws_it(base: Path) -> None:
    """The look at the model without weights takes none of the random numbers."""
    names = tuple(f"c{number}" for number in range(7))
    torch.manual_seed(3)
    plain = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=7, ignore_mismatched_sizes=True
    )
    torch.manual_seed(3)
    ours = load_base(str(base), names, multi_label=False).model
    assert torch.equal(ours.classifier.weight, plain.classifier.weight)


def _with_merges(folder: Path, each: int) -> None:
    """Let the tokenizer list so many ways to make each of its tokens of two others."""
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    tokens = list(content["model"]["vocab"])
    runs = ["a" * length for length in range(1, len(tokens) - 4)]
    vocabulary = {token: number for number, token in enumerate([*tokens[:5], *runs])}
    pairs = [[runs[i], runs[n - 1 - i]] for n in range(1, len(runs)) for i in range(n)]
    content["model"] = {
        "type": "BPE",
        "unk_token": tokens[1],
        "vocab": vocabulary,
        "merges": pairs[: each * len(tokens)],
    }
    file.write_text(json.dumps(content), "utf-8")


def test_a_tokenizer_may_list_several_ways_to_make_a_token(base: Path, tmp_path: Path) -> None:
    """As those of Llama 3 and Gemma do, which EuroBERT and mmBERT read with."""
    folder = shutil.copytree(base, tmp_path / "merging")
    _with_merges(folder, 3)
    assert "aaa" in open_classifier(folder).tokenizer.tokenize("aaa")
    _with_merges(folder, 11)
    with pytest.raises(ModelError, match="merges, far more than the 115 embeddings"):
        open_classifier(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_needs_no_special_tokens_unless_it_names_ends_of_texts(kind: str) -> None:
    words = family_tokenizer(kind)
    assert check_tokenizer(words, "x") is words
    words.backend_tokenizer.post_processor = ByteLevel()  # adds none
    if words.cls_token is None and words.sep_token is None:
        assert check_tokenizer(words, "x") is words
        return
    with pytest.raises(ModelError, match=r"^the tokenizer of x adds no special token .* has "):
        check_tokenizer(words, "x")


def test_a_folder_whose_name_ends_with_a_blank_opens(base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(base, tmp_path / " a model ")
    assert open_classifier(folder).folder.path == folder
    assert load(str(folder)).labels
    assert open_classifier(f"  {base}\n").folder.path == base


@pytest.fixture
def memory_is_never_clean() -> Iterator[None]:
    """What nobody writes into new memory is not a number."""
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(mode=False)


@pytest.mark.usefixtures("memory_is_never_clean")
@pytest.mark.parametrize("family", ["bert", "data2vec-text", "fnet", "longformer", "roberta"])
def test_a_new_head_that_guesses_words_begins_with_a_bias_of_zero(
    family: str, tmp_path: Path
) -> None:
    folder = tmp_path / family
    AutoModel.from_config(tiny_config(family)).save_pretrained(folder)
    heads = [
        parameter
        for name, parameter in load_masked(str(folder)).named_parameters()
        if name in ("lm_head.bias", "cls.predictions.bias")
    ]
    assert [bool((head == 0).all()) for head in heads] == [True]
