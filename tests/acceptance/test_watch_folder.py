"""A folder under watch by the service itself."""

from __future__ import annotations

import time
from pathlib import Path

from prsnl.client import Client
from tests.acceptance.test_cli import LEASE, PATIENCE_S, run, service


def test_what_is_put_into_the_folder_is_processed_and_moved(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    (folder / "sub").mkdir(parents=True)
    environment = {
        **environment,
        "PRSNL_WATCH_DIR": str(folder),
        "PRSNL_WATCH_AFTER": "move",
        "PRSNL_WATCH_EVERY_S": "0.2",
        "PRSNL_WATCH_STILL_S": "0.3",
    }
    (folder / "sub" / "lease.txt").write_text(LEASE)
    with service(environment):
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
        (folder / "half.txt.part").write_text(LEASE)
        give_up_at = time.monotonic() + PATIENCE_S
        done, failed = folder / "done/sub/lease.txt", folder / "failed/broken.pdf"
        while not (done.exists() and failed.exists()):
            assert time.monotonic() < give_up_at, list(folder.rglob("*"))
            time.sleep(0.1)
        with Client.local(Path(environment["PRSNL_DATA_DIR"])) as client:
            titles = {item.title for item in client.items()}
            (told,) = client.health().watch
        doctor = run(environment, "doctor")

    assert titles == {"Lease agreement", "broken"}
    assert (told.done, told.failed, told.trouble) == (1, 1, None)
    assert "damaged" in (folder / "failed/broken.pdf.why.txt").read_text()
    assert (folder / "half.txt.part").exists()
    assert f"ok  watched folder: {folder}, then move" in doctor.stdout
