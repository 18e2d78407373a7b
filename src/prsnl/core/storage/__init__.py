"""Where bytes are kept: a folder of this machine, or a bucket that hosts share."""

from prsnl.core.storage.contract import PARTS, Spooled, Storage
from prsnl.core.storage.copying import (
    copy_hashed,
    disk_full_is_named,
    is_full,
    no_room,
)
from prsnl.core.storage.folder import FolderStorage

__all__ = [
    "PARTS",
    "FolderStorage",
    "Spooled",
    "Storage",
    "copy_hashed",
    "disk_full_is_named",
    "is_full",
    "no_room",
]
