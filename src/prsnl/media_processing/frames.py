"""Key frames: shots are found, the best kept, and what stands on them is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import OcrNeed, PageStatus, PageText, Value
from prsnl.engines.media.contract import ChosenShots, MediaInfo, Shot, SpanShots
from prsnl.engines.ocr.table import Installed, ranked
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.versions import versions
from prsnl.items import media_store, store
from prsnl.items.media_store import KeyFrame
from prsnl.media_processing.attending import INPUT
from prsnl.media_processing.viewing import (
    THUMBNAIL_WIDTH,
    Viewing,
    is_long,
    spans,
)
from prsnl.work import blobs
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of
from prsnl.work.stages import DoneUnits, Stage

#: A shot that is seen longer counts as much as one that is seen so long.
_LONG_S: Final = 10.0
SHOTS: Final = Stage(
    name="shots", version=1, result=SpanShots, title="Looking through the video"
)


class Frames(Value):
    """The shots that key frames were chosen from, and which."""

    shots: tuple[Shot, ...]
    chosen: ChosenShots
    thumbnail: str | None

    @property
    def kept(self) -> list[Shot]:
        """The shots whose picture is kept; `file_name` is its storage name."""
        return [self.shots[place] for place in self.chosen.places]

    @property
    def names(self) -> list[str]:
        """What the storage calls the pictures."""
        told = [shot.file_name for shot in self.kept]
        return [*told, self.thumbnail] if self.thumbnail else told


class FrameText(Value):
    """What stands on a key frame."""

    text: str
    #: Why it could not be read.
    problem: str | None = None


KEY_FRAMES: Final = Stage(
    name="key frames", version=1, result=Frames, title="Choosing key frames"
)
FRAME_TEXT: Final = Stage(
    name="frame text", version=1, result=FrameText, title="Reading key frames"
)


@dataclass(frozen=True)
class Seen:
    """What came of looking through a video."""

    frames: Frames
    key: bytes
    pictures: int
    bad_packets: int
    seen_to_s: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FrameKeeper:
    """Keeps the key frames of videos."""

    storage: Storage

    def keep(
        self,
        run: TaskRun,
        viewing: Viewing,
        info: MediaInfo,
        *,
        content: Sequence[bytes],
        count: int,
    ) -> Seen:
        """Look through a video; each span of it is a unit, done once.

        Args:
            run: Keeps the stages.
            viewing: The video's child.
            info: What the video is.
            content: What the stages that read the file are made from.
            count: Key frames at most.
        """
        file = viewing.file

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, SpanShots]]:
            for number, seen, pictures in viewing.shots(info, wanted):
                yield number, self._put(seen, pictures)

        found = run.units(
            SHOTS,
            units=list(spans(info)),
            inputs=content,
            parameters={**versions("av"), "is_long": is_long(info)},
            work=work,
            store=lambda _connection, _made: None,
        )
        done = run.stage(
            KEY_FRAMES,
            inputs=[found.key],
            parameters={"count": count},
            work=lambda: self._choose(viewing, info, found, count),
            store=lambda connection, made: self._save(connection, file.id, found, made),
            is_whole=lambda made: all(map(self.storage.renew, made.names)),
        )
        every = found.values.values()
        return Seen(
            frames=done.value,
            key=done.key,
            pictures=sum(seen.pictures for seen in every),
            bad_packets=max((seen.bad_packets for seen in every), default=0),
            seen_to_s=max(
                (seen.seen_to_s for seen in every if seen.pictures), default=0
            ),
            warnings=tuple(line for seen in every for line in seen.warnings),
        )

    def _put(self, seen: SpanShots, pictures: Sequence[bytes]) -> SpanShots:
        """The same with the storage's names for its pictures."""
        named = tuple(
            shot.model_copy(update={"file_name": self.storage.put_bytes(picture)})
            for shot, picture in zip(seen.shots, pictures, strict=True)
        )
        return seen.model_copy(update={"shots": named})

    def _choose(
        self, viewing: Viewing, info: MediaInfo, found: DoneUnits[SpanShots], count: int
    ) -> Frames:
        by_span = dict(found.values)
        chosen = viewing.choose(_all(by_span), count)
        if again := self._spans_without(by_span, chosen):
            for number, seen, pictures in viewing.shots(info, again):
                by_span[number] = self._put(seen, pictures)
            chosen = viewing.choose(_all(by_span), count)
        shots = _all(by_span)
        best = _best([shots[place] for place in chosen.places])
        thumbnail = best and viewing.thumbnail(best.file_name, width=THUMBNAIL_WIDTH)
        return Frames(
            shots=shots,
            chosen=chosen,
            thumbnail=self.storage.put_bytes(thumbnail) if thumbnail else None,
        )

    def _spans_without(
        self, by_span: Mapping[int, SpanShots], chosen: ChosenShots
    ) -> list[int]:
        """The spans whose chosen pictures are gone: an earlier choice had no need."""
        owners = [number for number, seen in by_span.items() for _ in seen.shots]
        shots = _all(by_span)
        return sorted(
            {
                owners[place]
                for place in chosen.places
                if not self.storage.renew(shots[place].file_name)
            }
        )

    def _save(
        self, connection: Db, file_id: UUID, found: DoneUnits[SpanShots], made: Frames
    ) -> None:
        if not blobs.are_kept(connection, self.storage, made.names):
            raise UnavailableError(
                "Pictures of this video were removed at this moment: they are made "
                "again."
            )
        old = media_store.save_frames(
            connection, file_id, [_key_frame(shot) for shot in made.kept]
        )
        if made.thumbnail is not None:
            store.save_thumbnail(connection, file_id, made.thumbnail)
        every = {shot.file_name for shot in (*_all(found.values), *made.shots)}
        blobs.doom(connection, {*old, *every} - set(made.names))


@dataclass(frozen=True, kw_only=True)
class FrameReader:
    """Reads what stands on key frames, such as the slides of a talk.

    Attributes:
        engines: The OCR engines of this machine, the best first; there may be none.
        languages: The set ones; empty: what the best engine usually has.
        timeout_s: Seconds allowed for one frame.
        pixels_max: A frame is shown to an engine with at most so many.
    """

    sandbox: SandboxPool
    storage: Storage
    engines: tuple[Installed, ...]
    languages: tuple[str, ...]
    timeout_s: float
    pixels_max: int
    off_because: str

    def read(
        self, run: TaskRun, file_id: UUID, seen: Seen, *, languages: Sequence[str]
    ) -> dict[int, FrameText]:
        """The text of each key frame by number; one that fails costs only itself."""
        frames = dict(enumerate(seen.frames.kept, start=1))
        if not self.engines:
            run.warnings.append(
                f"What stands on the key frames is not read: {self.off_because}."
            )
            return {}
        engine = ranked(self.engines, languages or self.languages)[0]
        spoken = engine.has(languages or self.languages)

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, FrameText]]:
            for number in wanted:
                run.check()
                yield number, self._read(run, engine, spoken, frames[number])

        done = run.units(
            FRAME_TEXT,
            units=list(frames),
            inputs=[seen.key],
            parameters={
                "engine": f"{engine.name} {engine.version}",
                "languages": list(spoken),
                "pixels": self.pixels_max,
            },
            work=work,
            store=lambda connection, made: _save_texts(connection, file_id, made),
        ).values
        if failed := sum(one.problem is not None for one in done.values()):
            run.warnings.append(f"{failed} of {len(frames)} key frames cannot be read.")
        return done

    def _read(
        self,
        run: TaskRun,
        engine: Installed,
        languages: tuple[str, ...],
        shot: Shot,
    ) -> FrameText:
        try:
            # A child a frame: one that breaks it costs itself alone.
            with child_of(run, self.sandbox, "ocr") as child:
                self.storage.fetch(shot.file_name, child.put(INPUT))
                told = child.call(
                    "ocr.recognize",
                    {
                        "path": INPUT,
                        "kind": "jpeg",
                        "page": _unread().model_dump(mode="json"),
                        "engine": engine.module,
                        "setup": engine.setup,
                        "languages": list(languages),
                        "pixels_max": self.pixels_max,
                    },
                    timeout_s=self.timeout_s * run.room,
                )
            return FrameText(text=PageText.model_validate(told).text)
        except PrsnlError as error:
            run.check()
            return FrameText(text="", problem=error.message)


def _all(by_span: Mapping[int, SpanShots]) -> tuple[Shot, ...]:
    return tuple(shot for seen in by_span.values() for shot in seen.shots)


def _unread() -> PageText:
    return PageText(
        number=1,
        status=PageStatus.EMPTY,
        text="",
        engine="none",
        reason="a key frame",
        milliseconds=0.0,
        need=OcrNeed(mode="page", reason="a key frame"),
    )


def _save_texts(connection: Db, file_id: UUID, made: Mapping[int, FrameText]) -> None:
    for number, told in made.items():
        media_store.save_frame_text(connection, file_id, number, told.text)


def _key_frame(shot: Shot) -> KeyFrame:
    return KeyFrame(
        time_s=shot.time_s,
        start_s=shot.start_s,
        end_s=shot.end_s,
        width=shot.width,
        height=shot.height,
        blob=shot.file_name,
    )


def _best(shots: Sequence[Shot]) -> Shot | None:
    """The picture that stands for all of a video: sharp, and of a shot seen long."""
    return max(
        shots,
        key=lambda shot: (
            not shot.is_blank,
            shot.sharpness * min(_LONG_S, shot.end_s - shot.start_s),
        ),
        default=None,
    )
