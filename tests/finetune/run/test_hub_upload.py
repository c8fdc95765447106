"""Pushing to the Hub, with an API object of our own: what it is asked, and what can go wrong."""

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from huggingface_hub import errors
from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.errors import OutputError
from finetune.run.hub_upload import push_to_hub, require_pushable
from tests.finetune.news import news, write_csv


class Hub:
    """Takes notes of what it is asked, and fails where it is told to."""

    def __init__(self, fails: dict[str, Exception] | None = None) -> None:
        self.fails = fails or {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _note(self, verb: str, **settings: Any) -> None:
        self.asked.append((verb, settings))
        if verb in self.fails:
            raise self.fails[verb]

    def whoami(self) -> None:
        self._note("whoami")

    def create_repo(self, name: str, **settings: Any) -> Any:
        self._note("create_repo", name=name, **settings)
        return Place(f"someone/{name}")

    def upload_folder(self, **settings: Any) -> None:
        self._note("upload_folder", **settings)


class Place(SimpleNamespace):
    def __init__(self, name: str) -> None:
        super().__init__(repo_id=name)

    def __str__(self) -> str:
        return f"https://hub.example/{self.repo_id}"


def refused() -> errors.HfHubHTTPError:
    request = httpx2.Request("POST", "https://hub.example")
    return errors.HfHubHTTPError("no", response=httpx2.Response(403, request=request))


def test_a_new_place_is_private_and_gets_the_folder(tmp_path: Path) -> None:
    hub = Hub()
    assert push_to_hub(tmp_path, "reviews", api=hub) == "https://hub.example/someone/reviews"
    assert [verb for verb, _ in hub.asked] == ["whoami", "create_repo", "upload_folder"]
    made, sent = hub.asked[1][1], hub.asked[2][1]
    assert (made["private"], made["exist_ok"]) == (True, True)
    assert (sent["repo_id"], sent["folder_path"]) == ("someone/reviews", str(tmp_path))
    files = [
        "model.safetensors",
        "trials.csv",
        "history/step-000120/weights.safetensors",
        "tuning/trial-001/checkpoints/checkpoint-10/optimizer.pt",
    ]
    patterns = sent["ignore_patterns"]
    assert list(filter_repo_objects(files, ignore_patterns=patterns)) == files[:2]


def test_the_command_after_a_failure_uploads_the_same_as_privately(tmp_path: Path) -> None:
    hub, folder = Hub(), tmp_path / "my reviews"
    push_to_hub(folder, "me/reviews", api=hub)
    failing = Hub({"upload_folder": httpx2.ConnectError("x")})
    with pytest.raises(OutputError) as caught:
        push_to_hub(folder, "me/reviews", api=failing)
    command = str(caught.value).partition("(")[2].removesuffix(" pushes it)")
    words = ["hf", "upload", "me/reviews", str(folder), ".", "--private"]
    for pattern in hub.asked[-1][1]["ignore_patterns"]:
        words += ["--exclude", pattern]
    assert shlex.split(command) == words


@pytest.mark.parametrize(
    ("verb", "error", "message"),
    [
        ("whoami", errors.LocalTokenNotFoundError("x"), "there is no Hub token"),
        ("whoami", httpx2.ConnectError("x"), "the Hub can't be reached"),
        ("whoami", errors.OfflineModeIsEnabled("x"), "the Hub can't be reached"),
        ("create_repo", errors.HFValidationError("x"), "'a b' is not a name for the Hub"),
        ("upload_folder", ValueError("base_model"), "refuses the model card (base_model)"),
        ("upload_folder", refused(), "the Hub refused to take 'a b' (HTTP 403)"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_names_the_checkpoint(
    verb: str, error: Exception, message: str, tmp_path: Path
) -> None:
    hub = Hub({verb: error})
    with pytest.raises(OutputError) as caught:
        push_to_hub(tmp_path / "out", "a b", api=hub)
    assert message in str(caught.value)
    assert "the checkpoint is complete in 'out'" in str(caught.value)
    assert hub.asked[-1][0] == verb


@pytest.mark.parametrize(
    ("name", "token", "message"),
    [
        ("a b", "x", "--push-to-hub 'a b' is not a name for the Hub; give OWNER/NAME"),
        ("someone/reviews", None, "--push-to-hub needs a token of the Hub; log in"),
    ],
)
def test_what_could_not_be_pushed_is_refused_before_the_run(
    name: str,
    token: str | None,
    message: str,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    data, output = write_csv(tmp_path / "news.csv", news(40)), tmp_path / "out"
    given = {"data": data, "model": base, "output": output, "push-to-hub": name}
    options = [part for option, value in given.items() for part in (f"--{option}", str(value))]
    said = CliRunner().invoke(app, ["train", *options])
    assert said.exit_code == 1
    assert message in said.output
    assert not output.exists()


def test_one_with_a_name_and_a_token_may_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "x")
    require_pushable("someone/reviews")
