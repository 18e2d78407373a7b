"""What the tasks of videos are done with."""

from __future__ import annotations

from typing import Any

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.ai_processing.understanding import TextUnderstanding
from prsnl.engines.ocr import table as ocr_table
from prsnl.media_processing.enhancing import VideoEnhancer
from prsnl.media_processing.frames import FrameKeeper, FrameReader
from prsnl.media_processing.transcribing import AudioTranscriber
from prsnl.media_processing.video import VideoProcessor
from prsnl.media_processing.video_batch import VideoBatch
from prsnl.wiring.files import set_languages, why_no_ocr
from prsnl.wiring.parts import Parts


def services(
    parts: Parts,
    analyst: ContentAnalyst,
    hearing: AudioTranscriber,
    model: LanguageModel | None = None,
) -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    ocr = parts.settings.ocr
    return {
        VideoProcessor: VideoProcessor(
            database=parts.database,
            storage=parts.storage,
            sandbox=parts.children,
            unit_timeout_s=parts.unit_timeout_s,
            keeper=FrameKeeper(parts.storage),
            reader=FrameReader(
                sandbox=parts.children,
                storage=parts.storage,
                engines=ocr_table.installed(ocr.ocr_engine),
                languages=set_languages(ocr),
                timeout_s=ocr.ocr_page_timeout_s.total_seconds(),
                pixels_max=ocr.ocr_page_pixels,
                off_because=why_no_ocr(ocr),
            ),
            analyst=analyst,
            enricher=Enricher(model),
            transcriber=hearing,
        ),
        VideoBatch: VideoBatch(parts.database),
        VideoEnhancer: VideoEnhancer(parts.database, TextUnderstanding(analyst, model)),
    }
