"""The files in a mail or an archive: each becomes an item, with a task of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from prsnl.core.db import Database
from prsnl.core.errors import ChildCrashedError
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
from prsnl.work.run import ChildOutcome, TaskRun
from prsnl.work.specs import Status
from prsnl.work.stages import Stage
from prsnl.work.submit import submission

#: So many files of one container are processed at a time.
AT_ONCE: Final = 4
_WARNED: Final = 20


class Members(Value):
    """What was found in a container."""

    members: tuple[Member, ...]


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
            store=lambda connection, found: member_store.save(
                connection, file.id, found.members, owner=run.owner
            ),
        )
        known = self.database.run(
            lambda connection: member_store.of_container(connection, file.id)
        )
        outcomes = iter(self._have_processed(run, known, command))
        told = tuple(_told(one, outcomes) for one in known)
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


def _told(one: KnownMember, outcomes: Iterator[ChildOutcome]) -> ProcessedMember:
    """How a file ended; the outcomes come in the order of the files that have one."""
    outcome = next(outcomes, None) if one.attachment_id is not None else None
    return ProcessedMember(
        name=one.name,
        attachment_id=one.attachment_id,
        task_id=outcome and outcome.task_id,
        status=outcome and str(outcome.status),
        error=one.problem if outcome is None else outcome.error_message,
    )


def _warn(run: TaskRun, told: Sequence[ProcessedMember]) -> None:
    bad = [one for one in told if one.status != Status.SUCCESS]
    for one in islice(bad, _WARNED):
        reason = (one.error or "it was cancelled").rstrip(".")
        run.warnings.append(f"{one.name}: {reason}.")
    if len(bad) > _WARNED:
        run.warnings.append(f"{len(bad) - _WARNED} more files in it were not read.")
