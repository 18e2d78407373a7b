"""From a stored recording to what is said in it, and what that is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst, Learned, Wanted
from prsnl.core.db import Database
from prsnl.core.errors import EmptyError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import DocumentInfo
from prsnl.engines.media.contract import MediaInfo
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.speech.contract import Quality, SegmentStatus
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.media_processing.captions import banner_of
from prsnl.media_processing.probing import probed
from prsnl.media_processing.specs import TranscribeAudio, TranscribedAudio
from prsnl.media_processing.transcribing import AudioTranscriber, Transcript, Wish
from prsnl.media_processing.viewing import Viewing
from prsnl.work.run import TaskRun

_NOT_FROM_A_DRAFT: Final = (
    "The transcript is a draft: nothing is derived from it unless use_draft asks for "
    "it."
)


@dataclass(frozen=True, kw_only=True)
class AudioProcessor:
    """Does `transcribe_audio_task`: the transcript survives what is made from it."""

    database: Database
    storage: Storage
    sandbox: SandboxPool
    unit_timeout_s: float
    transcriber: AudioTranscriber
    analyst: ContentAnalyst
    enricher: Enricher

    def process(self, run: TaskRun, command: TranscribeAudio) -> TranscribedAudio:
        """Write down what is said, then learn what it is about.

        Raises:
            EmptyError: The recording has no sound.
        """
        file = self.database.run(
            lambda connection: store.attachment(
                connection, command.file_id, owner=run.owner
            )
        )
        info = self._probed(run, file, command.again)
        if not info.audio:
            raise EmptyError("This recording has no sound: there is nothing to hear.")
        options = command.options
        wanted = Wanted(analysis=options.analyze_content)
        transcript = self.transcriber.transcribe(
            run,
            file,
            info,
            Wish(
                language=options.language,
                model=options.model,
                tells_speakers=options.enable_diarization,
                adds_sentences=options.add_sentences,
                first_s=options.first_s,
                last_s=options.last_s,
                again=command.again,
                rerun=command.rerun,
            ),
            later_steps=wanted.steps,
        )
        learned = self._learned(
            run, file, info, transcript=transcript, command=command, wanted=wanted
        )
        enrichment = None
        if learned.analysis is not None:
            enrichment = self.enricher.submit(run, file, local_only=run.local_only)
        return _told(info, transcript, learned, enrichment)

    def _probed(
        self, run: TaskRun, file: AttachmentView, again: str | None
    ) -> MediaInfo:
        with Viewing(
            run, file, self.sandbox, self.storage, self.unit_timeout_s * run.room
        ) as viewing:
            content = [bytes.fromhex(file.sha256), (again or "").encode()]
            return probed(run, viewing, self.storage, content)

    def _learned(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        *,
        transcript: Transcript,
        command: TranscribeAudio,
        wanted: Wanted,
    ) -> Learned:
        spoken = transcript.written.spoken()
        if not spoken.characters or not wanted.analysis:
            return Learned()
        if spoken.is_draft and not command.options.use_draft:
            run.warnings.append(_NOT_FROM_A_DRAFT)
            return Learned()
        return self.analyst.learn(
            run,
            attachment_id=file.id,
            item_id=file.item_id,
            file_name=file.file_name,
            kind=file.kind or "recording",
            info=DocumentInfo(page_count=len(spoken.pages.values), metadata=info.tags),
            pages=spoken.pages,
            wanted=wanted,
        )


def _told(
    info: MediaInfo, transcript: Transcript, learned: Learned, enrichment: UUID | None
) -> TranscribedAudio:
    written, activity = transcript.written, transcript.activity
    texts = [one.text for one in written.segments.values()]
    analysis, summary = learned.analysis, learned.summary
    quality = None if written.quality is None else Quality(written.quality)
    return TranscribedAudio(
        mime_type=info.mime_type,
        duration_s=activity.duration_s,
        speech_s=activity.speech_s,
        segments=len(activity.units),
        failed_segments=transcript.numbers(SegmentStatus.FAILED),
        not_transcribed=transcript.numbers(SegmentStatus.NOT_TRANSCRIBED),
        words=sum(len(text.split()) for text in texts),
        characters=sum(map(len, texts)),
        quality=quality,
        banner=banner_of(quality if any(texts) else None),
        engine=written.engine,
        language=written.language,
        speakers=None if transcript.speakers is None else transcript.speakers.names,
        title=analysis and analysis.title,
        key_sentences=len(summary.key_sentences) if summary else 0,
        insights=len(learned.insights.insights) if learned.insights else 0,
        enrichment=enrichment,
    )
