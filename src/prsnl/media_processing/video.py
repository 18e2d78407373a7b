"""A video looked through and listened to: each part survives the next one's end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from prsnl.ai_processing.service import ContentAnalyst, Learned, Wanted
from prsnl.core.db import Database, Db
from prsnl.core.storage import Storage
from prsnl.engines.contracts import DocumentInfo, PageText, Value
from prsnl.engines.media.contract import Chapter, MediaInfo
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.versions import versions
from prsnl.items import media_store, store
from prsnl.items.models import AttachmentView
from prsnl.media_processing.chapters import Said, chapters_of_speech
from prsnl.media_processing.frames import (
    THUMBNAIL_WIDTH,
    FrameKeeper,
    FrameReader,
    FrameText,
    Seen,
)
from prsnl.media_processing.video_specs import (
    ProcessedVideo,
    ProcessVideo,
    SpokenOptions,
)
from prsnl.media_processing.viewing import Viewing
from prsnl.work.run import TaskRun
from prsnl.work.slots import HEAVY, taken
from prsnl.work.stages import DoneUnits, Stage

#: A recording that is longer is a large job, and so is a larger film.
_LARGE_S: Final = 600.0
_LARGE_PIXEL_SECONDS: Final = 600.0 * 1280 * 720
#: Less that cannot be read is no matter: clocks and headers waver.
_MISSING_S: Final = 1.0
_USUAL: Final = b""

PROBE: Final = Stage(
    name="probe", version=1, result=MediaInfo, title="Looking into the recording"
)


class Cover(Value):
    """The storage name of the picture that comes with the sound; None without one."""

    name: str | None


class Parts(Value):
    """The parts of a recording, and what told them."""

    chapters: tuple[Chapter, ...]
    source: str | None


class Plain(Value):
    """The whole text."""

    text: str


COVER: Final = Stage(
    name="cover", version=1, result=Cover, title="Taking out its cover"
)
CHAPTERS: Final = Stage(
    name="chapters", version=1, result=Parts, title="Telling its parts"
)
FRAMES_TEXT: Final = Stage(
    name="text of frames", version=1, result=Plain, title="Keeping what was read"
)


@dataclass(frozen=True)
class Spoken:
    """What is said in a recording, kept already."""

    said: tuple[Said, ...]
    #: What it stands on, for the stages that are made from it.
    key: bytes
    #: As pages, for what analyses texts.
    pages: DoneUnits[PageText]
    language: str | None
    #: "draft" or "full".
    quality: str
    characters: int

    @property
    def is_draft(self) -> bool:
        """Whether nothing is to be derived from it unasked."""
        return self.quality == "draft"


class Transcriber(Protocol):
    """Writes down what is said, in stages of the same run."""

    def write_down(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        options: SpokenOptions,
        *,
        again: str | None,
    ) -> Spoken:
        """What is said; kept with its file when this returns."""


@dataclass(frozen=True, kw_only=True)
class VideoProcessor:
    """Does `process_video_task`."""

    database: Database
    storage: Storage
    sandbox: SandboxPool
    unit_timeout_s: float
    keeper: FrameKeeper
    reader: FrameReader
    analyst: ContentAnalyst
    transcriber: Transcriber | None = None

    def process(self, run: TaskRun, command: ProcessVideo) -> ProcessedVideo:
        """Look through a video, write down what is said, and learn from it."""
        file = self.database.run(
            lambda connection: store.attachment(
                connection, command.file_id, owner=run.owner
            )
        )
        viewing = Viewing(
            run, file, self.sandbox, self.storage, self.unit_timeout_s * run.room
        )
        content = [bytes.fromhex(file.sha256), (command.again or "").encode()]
        with ExitStack() as stack:
            with viewing:
                info = self._probed(run, viewing, content)
                if is_large(info):
                    stack.enter_context(taken(run, HEAVY))
                seen = self._seen(run, viewing, info, command, content)
            texts = self._read(run, file.id, seen, command)
            spoken = self._spoken(run, file, info, command)
        parts = self._parts(run, file.id, info, spoken, seen)
        learned = self._learned(run, file, info, spoken, command)
        if spoken is None:
            self._keep_text(run, file.id, content, texts)
        analysis, summary = learned.analysis, learned.summary
        return ProcessedVideo(
            mime_type=info.mime_type,
            duration_s=info.duration_s,
            width=info.video and info.video.width,
            height=info.video and info.video.height,
            frames=0 if seen is None else len(seen.frames.kept),
            pictures=0 if seen is None else seen.pictures,
            frames_read=sum(bool(one.text) for one in texts.values()),
            transcript=spoken and spoken.quality,
            characters=spoken.characters if spoken else 0,
            chapters=parts.chapters,
            chapters_from=parts.source,
            title=analysis and analysis.title,
            language=(analysis and analysis.language) or (spoken and spoken.language),
            key_sentences=len(summary.key_sentences) if summary else 0,
            insights=len(learned.insights.insights) if learned.insights else 0,
        )

    def _probed(
        self, run: TaskRun, viewing: Viewing, content: Sequence[bytes]
    ) -> MediaInfo:
        info = run.stage(
            PROBE,
            inputs=content,
            parameters=versions("av"),
            work=viewing.probe,
            store=lambda connection, told: media_store.save_media(
                connection, viewing.file.id, told
            ),
        ).value
        run.warnings.extend(info.warnings)
        if info.has_cover and info.video is None:
            run.stage(
                COVER,
                inputs=content,
                parameters=versions("av", "pillow"),
                work=lambda: self._cover(viewing, info),
                store=partial(_store_cover, viewing.file.id),
                is_whole=lambda kept: (
                    kept.name is None or self.storage.renew(kept.name)
                ),
            )
        return info

    def _cover(self, viewing: Viewing, info: MediaInfo) -> Cover:
        picture = viewing.cover(info, width=THUMBNAIL_WIDTH)
        return Cover(name=None if picture is None else self.storage.put_bytes(picture))

    def _seen(
        self,
        run: TaskRun,
        viewing: Viewing,
        info: MediaInfo,
        command: ProcessVideo,
        content: Sequence[bytes],
    ) -> Seen | None:
        if info.video is None or not command.options.extract_frames:
            return None
        seen = self.keeper.keep(
            run, viewing, info, content=content, count=command.options.frame_count
        )
        run.warnings.extend(seen.warnings)
        run.warnings.extend(_missing(info, seen))
        return seen

    def _read(
        self, run: TaskRun, file_id: UUID, seen: Seen | None, command: ProcessVideo
    ) -> dict[int, FrameText]:
        if seen is None or not command.options.read_frames:
            return {}
        return self.reader.read(
            run, file_id, seen, languages=command.options.ocr_languages
        )

    def _spoken(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        command: ProcessVideo,
    ) -> Spoken | None:
        if not command.options.transcribe_audio or not info.audio:
            return None
        if self.transcriber is None:
            return None
        return self.transcriber.write_down(
            run, file, info, command.options, again=command.again
        )

    def _parts(
        self,
        run: TaskRun,
        file_id: UUID,
        info: MediaInfo,
        spoken: Spoken | None,
        seen: Seen | None,
    ) -> Parts:
        cuts_s = (
            [shot.start_s for shot in seen.frames.shots if shot.is_cut] if seen else []
        )

        def told() -> Parts:
            if info.chapters:
                return Parts(chapters=info.chapters, source="file")
            if spoken is None or spoken.is_draft:
                return Parts(chapters=(), source=None)
            found = chapters_of_speech(
                spoken.said, duration_s=info.duration_s or 0.0, cuts_s=cuts_s
            )
            return Parts(chapters=found, source="transcript" if found else None)

        return run.stage(
            CHAPTERS,
            inputs=[spoken.key if spoken else _USUAL, seen.key if seen else _USUAL],
            parameters={"media": info.model_dump(mode="json")},
            work=told,
            store=lambda connection, made: media_store.save_chapters(
                connection, file_id, made.chapters, made.source
            ),
        ).value

    def _learned(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        spoken: Spoken | None,
        command: ProcessVideo,
    ) -> Learned:
        options = command.options
        if spoken is None or not spoken.characters or not options.generate_insights:
            return Learned()
        if spoken.is_draft and not options.use_draft:
            run.warnings.append(
                "The transcript is a draft: nothing is derived from it unless "
                "use_draft asks for it."
            )
            return Learned()
        return self.analyst.learn(
            run,
            attachment_id=file.id,
            file_name=file.file_name,
            info=DocumentInfo(page_count=len(spoken.pages.values), metadata=info.tags),
            pages=spoken.pages,
            wanted=Wanted(),
        )

    def _keep_text(
        self,
        run: TaskRun,
        file_id: UUID,
        content: Sequence[bytes],
        texts: dict[int, FrameText],
    ) -> None:
        """A video without speech is done, too: its text is what its frames show."""
        whole = "\n\n".join(one.text for one in texts.values() if one.text)
        run.stage(
            FRAMES_TEXT,
            inputs=[*content, whole.encode()],
            work=lambda: Plain(text=whole),
            store=lambda connection, made: store.save_text(
                connection, file_id, made.text
            ),
        )


def is_large(info: MediaInfo) -> bool:
    """Whether a recording is a large job, of which one machine does one at a time."""
    seconds = info.duration_s or 0.0
    pixels = info.video.width * info.video.height if info.video else 0
    return seconds > _LARGE_S or seconds * pixels > _LARGE_PIXEL_SECONDS


def _store_cover(attachment_id: UUID, connection: Db, made: Cover) -> None:
    if made.name is not None:
        store.save_thumbnail(connection, attachment_id, made.name)


def _missing(info: MediaInfo, seen: Seen) -> list[str]:
    """What a damaged video lacks, in whole sentences."""
    told = []
    promised = info.duration_s or 0.0
    if not seen.pictures:
        return ["No picture of the video can be decoded: it has no key frames."]
    if promised - seen.seen_to_s > max(_MISSING_S, promised * 0.02):
        told.append(
            f"The video says that it is {promised:.0f} s long; its pictures end at "
            f"{seen.seen_to_s:.0f} s: the file is damaged or cut off."
        )
    elif seen.bad_packets:
        told.append(
            f"Damaged pictures of the video that were left out: {seen.bad_packets}."
        )
    return told
