"""The files in a mail or an archive: each becomes an item, with a task of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from prsnl.core.db import Database, Db
from prsnl.core.errors import ChildCrashedError, UnavailableError
from prsnl.core.storage import Storage
from prsnl.engines import limits
from prsnl.engines.contracts import FileType, Member, Value
from prsnl.engines.documents import CONTAINERS
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.inside import INPUT, looking_into
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    ProcessDocument,
    ProcessedMember,
)
from prsnl.items import member_store
from prsnl.items.member_store import KnownMember
from prsnl.items.models import AttachmentView
from prsnl.work import blobs
from prsnl.work.run import ChildOutcome, TaskRun
from prsnl.work.specs import Status
from prsnl.work.stages import Stage
from prsnl.work.submit import submission

#: So many files of one container are processed at a time.
AT_ONCE: Final = 4
_WARNED: Final = 20
_REMOVED: Final = "its item was removed meanwhile"


class Members(Value):
    """What was found in a container."""

    members: tuple[Member, ...]

    @property
    def names(self) -> list[str]:
        """What the storage calls their bytes."""
        told = (one.sha256 for one in self.members)
        return list(dict.fromkeys(name for name in told if name is not None))


MEMBERS: Final = Stage(
    name="members", version=1, result=Members, title="Taking out the files in it"
)


@dataclass(frozen=True)
class MemberProcessor:
    """Takes the files out of a container, and has each of them processed."""

    database: Database
    storage: Storage
    sandbox: SandboxPool
    unit_timeout_s: float

    def process(
        self,
        run: TaskRun,
        file: AttachmentView,
        kind: FileType,
        command: ProcessDocument,
    ) -> tuple[ProcessedMember, ...]:
        """Take the files out, then wait for their tasks; nothing for other kinds.

        A file that fails costs only itself, and is named in a warning.

        Raises:
            Waits: The tasks are in; the runner ends the claim until they are done.
        """
        if kind.kind not in CONTAINERS or not command.options.open_members:
            return ()
        content = [bytes.fromhex(file.sha256), (command.again or "").encode()]
        run.stage(
            MEMBERS,
            inputs=content,
            parameters={"kind": kind.kind},
            work=lambda: self._take_out(run, file, kind),
            store=lambda connection, found: self._save(connection, run, file, found),
            is_whole=lambda found: all(map(self.storage.renew, found.names)),
        )
        known = self.database.run(
            lambda connection: member_store.of_container(connection, file.id)
        )
        outcomes = {
            outcome.attachment_id: outcome
            for outcome in self._have_processed(run, known, command)
        }
        told = tuple(
            _told(one, outcomes.get(one.attachment_id) if one.attachment_id else None)
            for one in known
        )
        _warn(run, told)
        return told

    def _take_out(self, run: TaskRun, file: AttachmentView, kind: FileType) -> Members:
        with looking_into(run, file, self.sandbox, self.storage) as child:
            frames = child.stream(
                "document.members",
                {"path": INPUT, "kind": kind.kind},
                unit_timeout_s=self.unit_timeout_s * run.room,
            )
            found: list[Member] = []
            for frame in frames:
                member = Member.model_validate(frame)
                if len(found) > 2 * limits.MEMBERS:
                    raise ChildCrashedError("A sandbox child told files without end.")
                found.append(self._kept(child, member))
        return Members(members=tuple(found))

    def _save(
        self, connection: Db, run: TaskRun, file: AttachmentView, found: Members
    ) -> None:
        """Make a file of each, while their bytes are there.

        Raises:
            UnavailableError: The trash was emptied of some at this moment.
        """
        if not blobs.are_kept(connection, self.storage, found.names):
            raise UnavailableError(
                "Files of this container were removed at this moment: they are taken "
                "out of it again."
            )
        member_store.save(connection, file.id, found.members, owner=run.owner)

    def _kept(self, child: Child, member: Member) -> Member:
        """Keep a member's bytes, under the hash that we have made of them."""
        if member.output is None:
            return member
        source = child.output(member.output, max_bytes=limits.MEMBER_BYTES)
        with source.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        self.storage.put_file(source, sha256)
        return member.model_copy(update={"sha256": sha256, "size_bytes": size_bytes})

    def _have_processed(
        self, run: TaskRun, known: list[KnownMember], command: ProcessDocument
    ) -> list[ChildOutcome]:
        options = command.options.model_copy(update={"open_members": False})
        wanted = [
            submission(
                PROCESS_DOCUMENT,
                ProcessDocument(
                    file_id=one.attachment_id, options=options, again=command.again
                ),
                owner=run.owner,
                parent_id=run.task_id,
                attachment_id=one.attachment_id,
            )
            for one in known
            if one.attachment_id is not None
        ]
        return run.children(wanted, at_once=AT_ONCE)


def _told(one: KnownMember, outcome: ChildOutcome | None) -> ProcessedMember:
    """How a file ended."""
    return ProcessedMember(
        name=one.name,
        attachment_id=one.attachment_id,
        task_id=outcome and outcome.task_id,
        status=outcome and str(outcome.status),
        error=(one.problem or _REMOVED) if outcome is None else outcome.error_message,
    )


def _warn(run: TaskRun, told: Sequence[ProcessedMember]) -> None:
    bad = [one for one in told if one.status != Status.SUCCESS]
    for one in islice(bad, _WARNED):
        reason = (one.error or "it was cancelled").rstrip(".")
        run.warnings.append(f"{one.name}: {reason}.")
    if len(bad) > _WARNED:
        run.warnings.append(f"{len(bad) - _WARNED} more files in it were not read.")
