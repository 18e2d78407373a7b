"""The dependencies that a manifest or a lock file names, beside its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prsnl.core.storage import Storage
from prsnl.engines import manifests
from prsnl.engines.contracts import Dependencies, Dependency, Value
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.inside import INPUT, looking_into
from prsnl.file_processing.specs import ProcessDocument
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage


class FoundDependencies(Value):
    """What was found; None for a file that only has a manifest's name."""

    found: Dependencies | None


DEPENDENCIES: Final = Stage(
    name="dependencies",
    version=1,
    result=FoundDependencies,
    title="Listing dependencies",
    counts_units=False,
)


@dataclass(frozen=True)
class ManifestReader:
    """Reads the files that a package manager would."""

    storage: Storage
    sandbox: SandboxPool
    unit_timeout_s: float

    def read(
        self, run: TaskRun, file: AttachmentView, command: ProcessDocument
    ) -> tuple[Dependency, ...] | None:
        """What a file asks for; None for one that is no manifest."""
        if not manifests.may_be(file.file_name):
            return None
        done = run.stage(
            DEPENDENCIES,
            inputs=[bytes.fromhex(file.sha256), (command.again or "").encode()],
            parameters={"file_name": file.file_name},
            work=lambda: self._found(run, file),
            store=lambda _connection, _found: None,
        )
        told = done.value.found
        if told is None:
            return None
        run.warnings.extend(told.warnings)
        return told.dependencies

    def _found(self, run: TaskRun, file: AttachmentView) -> FoundDependencies:
        with looking_into(run, file, self.sandbox, self.storage) as child:
            frames = child.stream(
                "manifest.read",
                {"path": INPUT, "file_name": file.file_name},
                unit_timeout_s=self.unit_timeout_s * run.room,
            )
            told = [Dependencies.model_validate(frame) for frame in frames]
        return FoundDependencies(found=told[0] if told else None)
