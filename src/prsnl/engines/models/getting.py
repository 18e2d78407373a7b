"""Getting a model: room first, then file by file, then all of it at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from prsnl.core.errors import DiskFullError
from prsnl.core.incoming import told_bytes
from prsnl.engines.models.catalogue import Model
from prsnl.engines.models.checking import is_whole
from prsnl.engines.models.local import Local
from prsnl.engines.models.remote import OnBytes, Remote
from prsnl.engines.models.store import ModelStore

#: In the folder of a model: where it is from, and under which licence.
ORIGIN_NAME: Final = "origin.json"


def get(
    model: Model,
    store: ModelStore,
    source: Remote | Local,
    *,
    told: OnBytes = lambda _: None,
    floor_bytes: int = 0,
) -> Path:
    """Bring a model into the store; what an earlier try has left is used.

    Args:
        model: Which.
        store: Where to.
        source: Where from.
        told: Hears of each part as it comes, in bytes.
        floor_bytes: So much of the disk stays free.

    Returns:
        Its folder.

    Raises:
        BadRequestError: The local files are not this model's.
        ConflictError: Another command is at it.
        CorruptError: The host sends something else.
        DiskFullError: There is no room; nothing of it is left.
        NotFoundError: The host does not give it.
        SettingsError: The folder cannot be written.
        UnavailableError: The host does not answer; what has come stays.
    """
    with store.incoming(model) as folder:
        _check_room(model, folder, floor_bytes)
        for file in model.files:
            target = folder / file.name
            if is_whole(target, file):
                told(file.size_bytes)
                continue
            if isinstance(source, Local):
                source.copy(model, file, target, told)
            else:
                told(target.stat().st_size if target.exists() else 0)
                source.fetch(model.path, file, target, told)
        _write_origin(model, folder, source)
        return store.place(model)


def _check_room(model: Model, folder: Path, floor_bytes: int) -> None:
    here = sum(each.stat().st_size for each in folder.iterdir())
    needed = max(0, model.size_bytes - here) + floor_bytes
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{model.name} needs {told_bytes(model.size_bytes)}, and the disk that "
            f"holds {folder.parent} has {told_bytes(free)} free, of which "
            f"{told_bytes(floor_bytes)} are to stay: free some room, or set "
            "PRSNL_DATA_DIR to a folder on another disk."
        )


def _write_origin(model: Model, folder: Path, source: Remote | Local) -> None:
    told = {
        "title": model.title,
        "licence": model.licence,
        "from": source.host if isinstance(source, Remote) else "a local folder",
        "files": {file.name: file.sha256 for file in model.files},
    }
    (folder / ORIGIN_NAME).write_text(json.dumps(told, indent=2), encoding="utf8")
