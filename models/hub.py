"""Models from the Hugging Face hub, through its own client and into its own cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.models.errors import ModelDownloadError, ModelNotFound
from antiphon.models.hub_bar import HubBars
from antiphon.models.progress import Progress

TEXT_FILES = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py")
SAFE_WEIGHTS = ("*.safetensors",)
PICKLED_WEIGHTS = ("*.bin", "*.pt", "*.pth")
# Second copies of the weights, in the layouts of other programs, and pickles that are no weights.
NEVER = ("original/*", "metal/*", "onnx/*", "consolidated*", "training_args.bin")


def download(
    hub_id: str,
    *,
    patterns: tuple[str, ...],
    revision: str | None,
    offline: bool,
    progress: Progress,
) -> Path:
    """The local folder with the model's files that match `patterns`; cached ones are not fetched.

    Raises ModelNotFound (no such model, or not cached and no way to fetch it), ModelDownloadError.
    """
    # Imported here: the client is slow to load, and most models need no hub.
    from huggingface_hub import snapshot_download

    with _clear_errors(hub_id, revision, offline):
        folder = snapshot_download(
            hub_id,
            revision=revision,
            allow_patterns=list(patterns),
            ignore_patterns=list(NEVER),
            local_files_only=offline,
            tqdm_class=HubBars(progress, f"Downloading {hub_id}").bar_class(),
        )
    return Path(folder)


@contextmanager
def _clear_errors(hub_id: str, revision: str | None, offline: bool) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelDownloadError(
            f"{hub_id} is gated: accept its terms on the hub and log in with `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelNotFound(f"{hub_id} has no revision {revision!r} on the hub.") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelNotFound(f"There is no model {hub_id!r} on the hub.") from error
    except errors.LocalEntryNotFoundError as error:
        reason = "this is offline" if offline else "the hub cannot be reached"
        raise ModelNotFound(
            f"{hub_id} is not cached (or not whole) and {reason}: fetch it with "
            f"`antiphon pull {hub_id}` while there is a network."
        ) from error
    except Exception as error:  # HTTP and disk errors of a client with many back-ends
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelDownloadError(f"{hub_id} could not be fetched: {reason}") from error
