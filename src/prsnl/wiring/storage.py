"""Where uploads and results are kept, as the settings say."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from prsnl.core.errors import SettingsError
from prsnl.core.settings import Settings
from prsnl.core.storage import FolderStorage, Storage


def storage_of(settings: Settings) -> Storage:
    """The storage that is set, not prepared yet.

    Raises:
        SettingsError: The address is none that is known.
    """
    url = settings.storage.storage_url
    if url is not None and urlsplit(url).scheme == "s3":
        # Its library is loaded where it is used: a folder needs none.
        from prsnl.core.storage.bucket import BucketStorage  # noqa: PLC0415

        return BucketStorage.of(url, storage_folder(settings))
    return FolderStorage(storage_folder(settings))


def storage_folder(settings: Settings) -> Path:
    """Where this machine keeps uploads; beside a bucket, those on their way in.

    Raises:
        SettingsError: The address is none that is known.
    """
    url = settings.storage.storage_url
    parts = urlsplit(url or "")
    if url is None or parts.scheme == "s3":
        return settings.storage.folder / "storage"
    if parts.scheme != "file" or not parts.path:
        raise SettingsError(
            "PRSNL_STORAGE_URL is no address of a folder (file:///FOLDER) or of a "
            "bucket (s3://BUCKET/PREFIX)."
        )
    return Path(unquote(parts.path))
