"""What is said in a recording, and who says it: every part that is done stays done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Database
from prsnl.core.errors import (
    ChildKilledError,
    DiskFullError,
    LocalOnlyError,
    PrsnlError,
    SettingsError,
)
from prsnl.core.storage import Storage
from prsnl.engines.contracts import Value
from prsnl.engines.media.contract import MediaInfo
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.speech.contract import (
    Activity,
    Quality,
    Segment,
    SegmentStatus,
    Speakers,
    Unit,
)
from prsnl.engines.speech.table import Installed
from prsnl.engines.versions import versions
from prsnl.items import transcripts
from prsnl.items.models import AttachmentView
from prsnl.media_processing.assigning import assigned
from prsnl.media_processing.captions import DRAFT_BANNER
from prsnl.media_processing.cloud_ear import CloudEar
from prsnl.media_processing.ears import Ear, LocalEar
from prsnl.media_processing.hearing import Hearing, seconds_of
from prsnl.media_processing.keeping import (
    Written,
    fingerprint_of,
    in_order,
    keep_segments,
    keep_speakers,
    keep_whole,
)
from prsnl.media_processing.listening import Listening
from prsnl.media_processing.probing import ends_early
from prsnl.media_processing.specs import TranscriptRerun
from prsnl.media_processing.video import Spoken, is_large
from prsnl.media_processing.video_specs import SpokenOptions
from prsnl.work.run import TaskRun
from prsnl.work.slots import HEAVY, taken
from prsnl.work.stages import Stage

SURVEY: Final = Stage(
    name="voice activity", version=1, result=Activity, title="Listening for speech"
)
SPEAKERS: Final = Stage(
    name="speakers", version=1, result=Speakers, title="Telling speakers apart"
)


class WholeTranscript(Value):
    """All segments as one text."""

    text: str


WHOLE: Final = Stage(
    name="transcript", version=1, result=WholeTranscript, title="Keeping the transcript"
)
#: Beside the segments: survey, language, transcript.
_OTHER_STEPS: Final = 3
#: A model that is larger takes most of a machine.
_LARGE_MODEL_BYTES: Final = 400 * 2**20
#: What a short recording is not worth a turn of the heavy slot for.
_SHORT_S: Final = 60.0
_STEREO: Final = 2
_LISTED: Final = 10


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be done with what is said."""

    language: str | None = None
    model: str | None = None
    tells_speakers: bool = False
    adds_sentences: bool = False
    first_s: float | None = None
    last_s: float | None = None
    again: str | None = None
    rerun: TranscriptRerun | None = None

    def wants(self, unit: Unit) -> bool:
        """Whether a segment is to be transcribed: it overlaps what is asked for."""
        first, last = self.first_s, self.last_s
        if self.rerun is not None:
            first, last = self.rerun.from_s, self.rerun.to_s
        return (first is None or unit.to_s > first) and (
            last is None or unit.from_s < last
        )


@dataclass(frozen=True)
class Transcript:
    """What was said, kept already."""

    activity: Activity
    written: Written
    speakers: Speakers | None

    def numbers(self, status: SegmentStatus) -> tuple[int, ...]:
        """The segments that ended so."""
        told = self.written.segments.items()
        return tuple(number for number, one in told if one.status is status)


@dataclass(frozen=True, kw_only=True)
class AudioTranscriber:
    """Writes down what is said, in stages of a run.

    Attributes:
        local: Tells the engine of this machine, for the name of a model or as set.
        cloud: The engine elsewhere; None where none is set.
        order: Which is asked first; the other where that fails.
        segment_timeout_s: Seconds allowed for one segment.
        patience: See `Hearing`.
    """

    database: Database
    storage: Storage
    sandbox: SandboxPool
    local: Callable[[str | None], Installed | None]
    cloud: CloudEar | None
    order: tuple[str, ...]
    segment_timeout_s: float
    patience: float

    def write_down(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        options: SpokenOptions,
        *,
        again: str | None,
    ) -> Spoken:
        """What is said, as a part of a larger task; kept when this returns."""
        wish = Wish(
            language=options.language,
            model=options.model,
            tells_speakers=options.enable_diarization,
            again=again,
        )
        return self.transcribe(run, file, info, wish).written.spoken()

    def transcribe(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        wish: Wish,
        *,
        later_steps: int = 0,
    ) -> Transcript:
        """Write down what is said, and who says it if that is wished for.

        Raises:
            LocalOnlyError: Only an engine elsewhere could do it, and may not.
            SettingsError: No engine is here; the message names the setting.
        """
        ears = self._ears(run, wish)
        with ExitStack() as stack:
            if _is_heavy(info, ears):
                stack.enter_context(taken(run, HEAVY))
            listening = stack.enter_context(
                Listening(
                    run,
                    file,
                    self.sandbox,
                    self.storage,
                    self.segment_timeout_s * run.room,
                    kind=info.kind,
                )
            )
            activity = self._survey(run, file, info, listening, wish)
            wanted = [unit for unit in activity.units if wish.wants(unit)]
            steps = sum(seconds_of(unit) for unit in wanted)
            run.progress.expect_more(
                steps + _OTHER_STEPS + wish.tells_speakers + later_steps
            )
            heard = Hearing(
                run=run,
                listening=listening,
                units=wanted,
                inputs=[*_content(file, wish), fingerprint_of(activity)],
                language=wish.language,
                adds_sentences=wish.adds_sentences,
                number=wish.rerun.run if wish.rerun else 0,
                patience=self.patience,
                keep=partial(
                    keep_segments,
                    file.id,
                    {unit.number: unit for unit in activity.units},
                    wish.rerun.run if wish.rerun else 0,
                ),
            ).by(ears)
            written = Written.of(self._with_others(file.id, heard, activity))
            run.stage(
                WHOLE,
                inputs=[written.key],
                work=lambda: WholeTranscript(text=written.text),
                store=lambda connection, _whole: keep_whole(
                    connection, file.id, written, forgets_speakers=wish.rerun is None
                ),
            )
            speakers = None
            if wish.tells_speakers:
                speakers = self._speakers(
                    run,
                    file,
                    listening,
                    activity=activity,
                    written=written,
                    wish=wish,
                )
        if speakers is not None:
            written = written.named(assigned(speakers, written.segments, activity))
        transcript = Transcript(activity, written, speakers)
        run.warnings.extend(_warnings(info, transcript))
        return transcript

    def _ears(self, run: TaskRun, wish: Wish) -> list[Ear]:
        """Who may hear this, the first choice first."""
        found: list[Ear] = []
        problem: PrsnlError | None = None
        for name in self.order:
            try:
                ear = self._cloud(run) if name == "cloud" else self._local(wish)
            except PrsnlError as error:
                problem = error
            else:
                found.append(ear)
        if not found:
            assert problem is not None
            raise problem
        if problem is not None and not isinstance(problem, LocalOnlyError):
            run.warnings.append(f"{problem.message} {found[0].name} did it instead.")
        return found

    def _local(self, wish: Wish) -> LocalEar:
        engine = self.local(wish.model)
        if engine is None:
            raise SettingsError(
                "There is no speech engine on this machine: ./prsnl models get speech "
                "brings one."
            )
        ear = LocalEar(engine)
        ear.require()
        return ear

    def _cloud(self, run: TaskRun) -> CloudEar:
        if self.cloud is None:
            raise SettingsError(
                "PRSNL_SPEECH_ORDER names the cloud, and no server is set that "
                "transcribes: set PRSNL_SPEECH_BASE_URL, or PRSNL_SPEECH_ORDER=local."
            )
        if not self.cloud.may_be_asked_by(run):
            raise LocalOnlyError(
                "This recording may not leave this machine, and no speech engine is "
                "here that could transcribe it. Set PRSNL_SPEECH_ORDER to local, or "
                "to local,cloud."
            )
        return self.cloud

    def _survey(
        self,
        run: TaskRun,
        file: AttachmentView,
        info: MediaInfo,
        listening: Listening,
        wish: Wish,
    ) -> Activity:
        is_stereo = bool(info.audio) and info.audio[0].channels == _STEREO
        by_channel = wish.tells_speakers and is_stereo
        return run.stage(
            SURVEY,
            inputs=_content(file, wish),
            parameters={"by_channel": by_channel, **versions("av", "faster-whisper")},
            work=lambda: listening.survey(by_channel=by_channel),
            store=lambda connection, found: transcripts.save_activity(
                connection, file.id, found
            ),
        ).value

    def _with_others(
        self, file_id: UUID, heard: Mapping[int, Segment], activity: Activity
    ) -> dict[int, Segment]:
        """These segments, and those of before that nobody asked for again."""
        if len(heard) == len(activity.units):
            return dict(heard)
        kept = self.database.run(
            lambda connection: transcripts.read_segments(connection, file_id)
        )
        return in_order({**kept, **heard})

    def _speakers(
        self,
        run: TaskRun,
        file: AttachmentView,
        listening: Listening,
        *,
        activity: Activity,
        written: Written,
        wish: Wish,
    ) -> Speakers | None:
        """Who speaks; the transcript stands already, and stays if this fails."""
        try:
            return run.stage(
                SPEAKERS,
                inputs=[*_content(file, wish), fingerprint_of(activity)],
                parameters=versions("resemblyzer"),
                work=lambda: listening.speakers(activity.units),
                store=lambda connection, told: keep_speakers(
                    file.id,
                    written,
                    told,
                    assigned(told, written.segments, activity),
                    connection,
                ),
            ).value
        except PrsnlError as error:
            if isinstance(error, ChildKilledError | DiskFullError):
                raise
            run.warnings.append(f"Speakers could not be told apart: {error.message}")
            return None


def _content(file: AttachmentView, wish: Wish) -> list[bytes]:
    return [bytes.fromhex(file.sha256), (wish.again or "").encode()]


def _is_heavy(info: MediaInfo, ears: Sequence[Ear]) -> bool:
    """Whether this takes most of a machine, so that one at a time is enough."""
    first = ears[0]
    if not isinstance(first, LocalEar):
        return False
    is_model_large = first.engine.model_bytes > _LARGE_MODEL_BYTES
    return is_large(info) or (is_model_large and (info.duration_s or 0.0) > _SHORT_S)


def _warnings(info: MediaInfo, transcript: Transcript) -> list[str]:
    """What a user should know of a transcript, in whole sentences."""
    told = list(transcript.activity.warnings)
    if not told and info.video is None:  # the sound of a video may end before it
        early = ends_early(
            info, transcript.activity.duration_s, what_ends="its sound ends"
        )
        told += [early] if early else []
    if not transcript.activity.units:
        return [*told, "Nobody speaks in this recording."]
    is_draft = transcript.written.quality is Quality.DRAFT
    if is_draft and transcript.numbers(SegmentStatus.OK):
        told.append(DRAFT_BANNER)
    if unknown := transcript.numbers(SegmentStatus.NOT_TRANSCRIBED):
        told.append(
            f"Speech in {len(unknown)} of {len(transcript.activity.units)} segments is "
            "in a language that the draft engine does not know: it is marked with its "
            "times, and not transcribed. Better: ./prsnl models get speech"
        )
    if failed := transcript.numbers(SegmentStatus.FAILED):
        listed = ", ".join(map(str, failed[:_LISTED]))
        more = f" and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        told.append(f"Segments that could not be transcribed: {listed}{more}.")
    return told
