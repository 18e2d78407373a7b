"""A video looked through and listened to: each part survives the next one's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst, Learned, Wanted
from prsnl.core.db import Database, Db
from prsnl.core.errors import (
    CorruptError,
    EmptyError,
    TooLargeError,
    UnsupportedError,
)
from prsnl.core.storage import Storage
from prsnl.engines.contracts import DocumentInfo, PageStatus, PageText, Value
from prsnl.engines.media.contract import Chapter, MediaInfo
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items import media_store, store
from prsnl.items.models import AttachmentView
from prsnl.media_processing.chapters import Said, chapters_of_speech
from prsnl.media_processing.frames import (
    FrameKeeper,
    FrameReader,
    FrameText,
    Seen,
)
from prsnl.media_processing.probing import ends_early, probed
from prsnl.media_processing.video_specs import (
    ProcessedVideo,
    ProcessVideo,
    SpokenOptions,
)
from prsnl.media_processing.viewing import Viewing, spans
from prsnl.work.run import TaskRun
from prsnl.work.slots import HEAVY, taken
from prsnl.work.stages import DoneUnits, Stage

#: A recording that is longer is a large job, and so is a larger film.
_LARGE_S: Final = 600.0
_LARGE_PIXEL_SECONDS: Final = 600.0 * 1280 * 720
#: Chapters, and what is learned.
_LAST_STEPS: Final = 8
_USUAL: Final = b""
_NOT_FROM_A_DRAFT: Final = (
    "The transcript is a draft: nothing is derived from it unless use_draft asks for "
    "it."
)
#: A track of sound that is damaged does not hide what the pictures gave.
_BAD_SOUND: Final = (CorruptError, EmptyError, TooLargeError, UnsupportedError)


class Parts(Value):
    """The parts of a recording, and what told them."""

    chapters: tuple[Chapter, ...]
    source: str | None


class Plain(Value):
    """The whole text."""

    text: str


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
    enricher: Enricher
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
                info = probed(run, viewing, self.storage, content)
                run.progress.expect_more(_steps(info, command))
                if is_large(info):
                    stack.enter_context(taken(run, HEAVY))
                seen = self._seen(run, viewing, info, command, content)
            texts = self._read(run, file.id, seen, command)
            spoken = self._spoken(run, file, info, command, seen=seen)
        parts = self._parts(run, file.id, info, spoken, seen)
        learned = self._learned(
            run, file, info, spoken=spoken, texts=texts, command=command
        )
        enrichment = None
        if learned.analysis is not None:
            enrichment = self.enricher.submit(run, file, local_only=run.local_only)
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
            enrichment=enrichment,
        )

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
        if not seen.pictures and not info.audio:
            raise CorruptError(
                "No picture of this video can be decoded, and it has no sound: it is "
                "damaged, or its pictures are too large. Save it anew as MP4."
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
        *,
        seen: Seen | None,
    ) -> Spoken | None:
        if not command.options.transcribe_audio or not info.audio:
            return None
        if self.transcriber is None:
            return None
        try:
            return self.transcriber.write_down(
                run, file, info, command.options, again=command.again
            )
        except _BAD_SOUND as error:
            if seen is None:
                raise
            run.warnings.append(f"What is said cannot be told: {error.message}")
            return None

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
        *,
        spoken: Spoken | None,
        texts: Mapping[int, FrameText],
        command: ProcessVideo,
    ) -> Learned:
        options = command.options
        if spoken is None or not spoken.characters:
            pages = self._pages_of_frames(run, file.id, texts)
        else:
            pages = spoken.pages
            if spoken.is_draft and not options.use_draft:
                run.warnings.append(_NOT_FROM_A_DRAFT)
                return Learned()
        if not pages.values or not options.generate_insights:
            return Learned()
        return self.analyst.learn(
            run,
            attachment_id=file.id,
            item_id=file.item_id,
            file_name=file.file_name,
            kind=file.kind or "recording",
            info=DocumentInfo(page_count=len(pages.values), metadata=info.tags),
            pages=pages,
            wanted=Wanted(),
        )

    def _pages_of_frames(
        self, run: TaskRun, file_id: UUID, texts: Mapping[int, FrameText]
    ) -> DoneUnits[PageText]:
        """What stands on the key frames, as the pages of a video without speech.

        Without any, too, the file is processed from here on.
        """
        pages = {
            number: PageText(
                number=number,
                status=PageStatus.OK,
                text=one.text,
                engine="ocr",
                reason="what stands on a key frame",
                milliseconds=0.0,
            )
            for number, one in texts.items()
            if one.text
        }
        whole = Plain(text="\n\n".join(page.text for page in pages.values()))

        def keep(connection: Db, made: Plain) -> None:
            store.save_pages(connection, file_id, pages.values())
            store.save_text(connection, file_id, made.text)

        done = run.stage(
            FRAMES_TEXT,
            inputs=[file_id.bytes, repr(sorted(texts.items())).encode()],
            work=lambda: whole,
            store=keep,
        )
        return DoneUnits(pages, done.key)


def _steps(info: MediaInfo, command: ProcessVideo) -> int:
    """About how many steps follow: the sound counts by its seconds."""
    options = command.options
    steps = _LAST_STEPS
    if info.video is not None and options.extract_frames:
        steps += len(spans(info)) + 1
        steps += options.frame_count if options.read_frames else 0
    if info.audio and options.transcribe_audio:
        steps += round(info.duration_s or 0.0)
    return steps


def is_large(info: MediaInfo) -> bool:
    """Whether a recording is a large job, of which one machine does one at a time."""
    seconds = info.duration_s or 0.0
    pixels = info.video.width * info.video.height if info.video else 0
    return seconds > _LARGE_S or seconds * pixels > _LARGE_PIXEL_SECONDS


def _missing(info: MediaInfo, seen: Seen) -> list[str]:
    """What a damaged video lacks, in whole sentences."""
    if not seen.pictures:
        return ["No picture of the video can be decoded: it has no key frames."]
    if early := ends_early(info, seen.seen_to_s, what_ends="its pictures end"):
        return [early]
    if seen.bad_packets:
        return [
            f"Damaged pictures of the video that were left out: {seen.bad_packets}."
        ]
    return []
