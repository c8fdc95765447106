"""Put a finished checkpoint folder on the Hugging Face Hub."""

import shlex
from pathlib import Path
from typing import Any

from finetune.checkpoint.run_files import HISTORY, TUNING
from finetune.errors import OutputError

LEFT_OUT = (f"{HISTORY}/*", f"{TUNING}/*")
"""What stays here: weights of other steps and trials, many times the size of what opens."""


def require_pushable(name: str) -> None:
    """Refuse, before a long run, what could not be pushed after it.

    Raises:
        OutputError: *name* is none for the Hub, or nobody is logged in.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise OutputError(
            f"--push-to-hub {name!r} is not a name for the Hub; give OWNER/NAME"
        ) from error
    if get_token() is None:
        raise OutputError(
            "--push-to-hub needs a token of the Hub; log in with hf auth login or set HF_TOKEN"
        )


def push_to_hub(folder: Path, name: str, *, api: Any = None) -> str:
    """Upload *folder* as the model *name*, private where it is new, and return its address.

    Args:
        folder: A finished checkpoint with its model card.
        name: OWNER/NAME, or NAME for the owner of the token.
        api: What stands in for `huggingface_hub.HfApi()`.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi() if api is None else api
    left = (
        f"the checkpoint is complete in {folder.name!r} ({upload_command(folder, name)} pushes it)"
    )
    try:
        api.whoami()
        place = api.create_repo(name, repo_type="model", private=True, exist_ok=True)
        api.upload_folder(
            repo_id=place.repo_id,
            folder_path=str(folder),
            repo_type="model",
            ignore_patterns=list(LEFT_OUT),
            commit_message="Upload a checkpoint trained with CLSight",
        )
    except LocalTokenNotFoundError as error:
        raise OutputError(
            f"nothing was pushed, as there is no Hub token; {left}: log in with hf auth login or"
            " set HF_TOKEN"
        ) from error
    except HFValidationError as error:
        raise OutputError(f"{name!r} is not a name for the Hub; give OWNER/NAME; {left}") from error
    except ValueError as error:
        raise OutputError(f"the Hub refuses the model card ({error}); {left}") from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "?")
        raise OutputError(
            f"the Hub refused to take {name!r} (HTTP {status}); {left}: check that the token may"
            " write there"
        ) from error
    except (httpx2.HTTPError, OSError) as error:
        raise OutputError(f"nothing was pushed, as the Hub can't be reached; {left}") from error
    return str(place)


def upload_command(folder: Path, name: str) -> str:
    """The command that uploads what `push_to_hub` does, as privately, from any folder."""
    words = ["hf", "upload", name, str(folder), ".", "--private"]
    for pattern in LEFT_OUT:
        words += ["--exclude", pattern]
    return shlex.join(words)
