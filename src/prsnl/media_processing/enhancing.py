"""What a transcribed recording teaches: by a language model, else in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prsnl.ai_processing.specs import (
    AnalyzeContent,
    AnalyzeOptions,
    ContentAnalysis,
)
from prsnl.ai_processing.understanding import TextUnderstanding
from prsnl.core.db import Database, Db
from prsnl.core.errors import BadRequestError, ConflictError
from prsnl.engines.contracts import Value
from prsnl.engines.media.contract import Chapter
from prsnl.engines.speech.contract import Quality, Segment
from prsnl.items import media_store, store, transcripts
from prsnl.items.models import AttachmentView
from prsnl.media_processing.video_specs import (
    EnhancedVideo,
    EnhanceVideo,
    LearningInsight,
    Topic,
)
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

_TOPICS_MAX: Final = 10
_TIMES_MAX: Final = 5


class Lesson(Value):
    """One insight, as it is kept."""

    kind: str
    text: str
    times_s: tuple[float, ...]


class Lessons(Value):
    """What a recording teaches, as it is kept with its file."""

    engine: str
    lessons: tuple[Lesson, ...]


LESSONS: Final = Stage(
    name="lessons", version=1, result=Lessons, title="Keeping what it teaches"
)


@dataclass(frozen=True)
class VideoEnhancer:
    """Does `enhance_video_with_ai_task`."""

    database: Database
    understanding: TextUnderstanding

    def enhance(self, run: TaskRun, command: EnhanceVideo) -> EnhancedVideo:
        """Tell what a recording teaches, each with where it is said.

        Raises:
            ConflictError: It has no transcript yet.
            BadRequestError: Its transcript is a draft, and nobody asked to use that.
        """
        options = command.options
        file, segments = self.database.run(
            lambda connection: _spoken(connection, run, command)
        )
        is_draft = any(one.quality is Quality.DRAFT for one in segments.values())
        if is_draft and not options.use_draft:
            raise BadRequestError(
                "The transcript is a draft, in which every fourth word may be wrong: "
                "nothing is derived from it unless use_draft asks for it. Better: "
                "./prsnl models get speech, then transcribe it again."
            )
        told = self.understanding.analyze(
            run,
            AnalyzeContent(
                content_id=file.item_id,
                options=AnalyzeOptions(
                    summary_length=options.summary_length,
                    local_only=options.local_only or options.privacy_mode,
                ),
            ),
        )
        lessons = self._lessons(run, file, segments, told)
        return EnhancedVideo(
            engine=told.engine,
            model=told.model,
            needs=told.needs,
            is_draft=is_draft,
            title=told.title,
            language=told.language,
            summary=told.summary,
            topics=tuple(_topics(told, segments)),
            insights=tuple(
                LearningInsight(kind=one.kind, text=one.text, times_s=one.times_s)
                for one in lessons.lessons
            ),
            tags=told.tags,
            chapters=_chapters(file),
        )

    def _lessons(
        self,
        run: TaskRun,
        file: AttachmentView,
        segments: Mapping[int, Segment],
        told: ContentAnalysis,
    ) -> Lessons:
        found = self.understanding.insights_of(
            run,
            [{"number": n, "text": one.text} for n, one in segments.items()],
            item_id=file.item_id,
            attachment_id=file.id,
        )
        if found is None:
            lessons = tuple(
                Lesson(
                    kind="key_sentence",
                    text=one.text,
                    times_s=_times(segments, [one.page]),
                )
                for one in told.key_sentences
            )
        else:
            lessons = tuple(
                Lesson(
                    kind=one.kind,
                    text=one.point.text,
                    times_s=_times(
                        segments, [cited.page for cited in one.point.citations]
                    ),
                )
                for one in found
            )
        made = Lessons(engine=told.model or told.engine, lessons=lessons)
        return run.stage(
            LESSONS,
            inputs=[made.model_dump_json().encode()],
            work=lambda: made,
            store=lambda connection, kept: media_store.save_lessons(
                connection, file.id, kept.model_dump(mode="json")
            ),
        ).value


def _spoken(
    connection: Db, run: TaskRun, command: EnhanceVideo
) -> tuple[AttachmentView, dict[int, Segment]]:
    file = store.attachment(connection, command.file_id, owner=run.owner)
    segments = {
        number: one
        for number, one in transcripts.read_segments(connection, file.id).items()
        if one.text
    }
    if not segments:
        raise ConflictError(
            f"{file.file_name} has no transcript: process it first (POST "
            "/api/background/media/process-video), or nobody speaks in it."
        )
    return file, segments


def _topics(told: ContentAnalysis, segments: Mapping[int, Segment]) -> Iterable[Topic]:
    """Its categories and keywords, each with the segments that speak of it."""
    names = [*told.categories, *(one.text for one in told.keywords)]
    for name in list(dict.fromkeys(names))[:_TOPICS_MAX]:
        folded = name.casefold()
        places = [n for n, one in segments.items() if folded in one.text.casefold()]
        yield Topic(name=name, times_s=_times(segments, places))


def _times(
    segments: Mapping[int, Segment], numbers: Iterable[int]
) -> tuple[float, ...]:
    """Where segments begin, in seconds; the first few."""
    found = sorted({segments[n].from_s for n in numbers if n in segments})
    return tuple(round(one, 2) for one in found[:_TIMES_MAX])


def _chapters(file: AttachmentView) -> tuple[Chapter, ...]:
    told = (file.media or {}).get("chapters") or ()
    return tuple(Chapter.model_validate(one) for one in told)
