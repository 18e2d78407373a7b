"""What a text is about: by the local engine, and by a model where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.interpreting import Reading, Wish
from prsnl.ai_processing.passages import Source, reading_steps
from prsnl.ai_processing.prompt_specs import (
    FoundCategory,
    FoundInsight,
    ProcessedText,
    ProcessWithLlm,
    PromptType,
)
from prsnl.ai_processing.service import ContentAnalyst, Pages
from prsnl.ai_processing.specs import AnalyzeContent, ContentAnalysis
from prsnl.engines.contracts import Entity
from prsnl.items.understood import Understanding
from prsnl.work.run import TaskRun

Understood: TypeAlias = tuple[Understanding, tuple[Entity, ...]]


@dataclass(frozen=True)
class TextUnderstanding:
    """Does `analyze_content_task` and `process_with_llm_task`."""

    analyst: ContentAnalyst
    #: None where no language model is set.
    model: LanguageModel | None = None
    #: The categories of an owner, by name; without any a model finds its own.
    categories: Callable[[str], Sequence[str]] = lambda _owner: ()

    def analyze(self, run: TaskRun, command: AnalyzeContent) -> ContentAnalysis:
        """Analyse an item or a given text; what the local engine finds comes first.

        Raises:
            EmptyError: The item has no text yet.
            NotFoundError: No such item of this owner.
        """
        model = self.model_for(run)

        def later_steps(texts: list[Pages]) -> int:
            if model is None:
                return 0
            return sum(reading_steps(pages, model, "analyze") for pages in texts)

        found = self.analyst.look(
            run,
            item_id=command.content_id,
            content=command.content,
            sentences=command.options.sentences,
            later_steps=later_steps,
        )
        told: list[Understood] = []
        if model is not None:
            wish = Wish(
                sentences=command.options.summary_length,
                categories=self.categories(run.owner),
            )
            items = [] if command.content_id is None else [command.content_id]
            for place, one in enumerate(found):
                source = self._source(
                    run,
                    one.pages,
                    place=place,
                    item_ids=items,
                    attachment_id=one.attachment_id,
                )
                reading = Reading(run, model, source, wish)
                told.append(reading.understand(one.analysis.entities))
        first = found[0]
        understanding, entities = told[0] if told else (None, None)
        return ContentAnalysis.of(
            first.analysis,
            first.summary,
            first.document_type,
            command.options,
            understanding=understanding,
            entities=entities,
        )

    def process(self, run: TaskRun, command: ProcessWithLlm) -> ProcessedText:
        """Do what is asked of a text: by the model, else what the local engine can."""
        model = self.model_for(run)
        if model is None:
            return self._locally(run, command)
        reading = self._reading(run, model, command)
        match command.prompt_type:
            case PromptType.SUMMARIZE:
                return _told(command, reading.summarize())
            case PromptType.ANALYZE:
                analysis, _ = self.analyst.facts(run, command.content)
                understanding, entities = reading.understand(analysis.entities)
                return _told(
                    command,
                    understanding,
                    language=analysis.language,
                    entities=entities,
                )
            case PromptType.CATEGORIZE:
                answer = reading.categorize()
                allowed = reading.wish.allowed([one.name for one in answer.categories])
                sure = {
                    one.name.casefold(): one.confidence for one in answer.categories
                }
                return ProcessedText(
                    prompt_type=command.prompt_type,
                    engine=model.name,
                    prompts=(model.prompts.get("categorize").label,),
                    categories=tuple(
                        FoundCategory(name=name, confidence=sure[name.casefold()])
                        for name in allowed
                    ),
                    document_type=answer.document_type,
                    tags=tuple(tag for tag in answer.tags if tag),
                )
            case PromptType.EXTRACT_INSIGHTS:
                return ProcessedText(
                    prompt_type=command.prompt_type,
                    engine=model.name,
                    prompts=(model.prompts.get("extract-insights").label,),
                    insights=tuple(
                        FoundInsight(kind=one.kind, point=one.point)
                        for one in reading.insights()
                    ),
                )

    def insights_of(
        self, run: TaskRun, pages: Pages, *, item_id: UUID, attachment_id: UUID
    ) -> tuple[FoundInsight, ...] | None:
        """What a model finds to matter in a file's text; None where none may be asked.

        Args:
            run: Keeps the stages.
            pages: Number and text of each page.
            item_id: Whose text goes out.
            attachment_id: The file of it.
        """
        model = self.model_for(run)
        if model is None:
            return None
        source = self._source(
            run, pages, item_ids=[item_id], attachment_id=attachment_id
        )
        run.progress.expect_more(reading_steps(pages, model, "extract-insights") + 1)
        found = Reading(run, model, source, Wish()).insights()
        return tuple(FoundInsight(kind=one.kind, point=one.point) for one in found)

    def model_for(self, run: TaskRun) -> LanguageModel | None:
        """The language model that this task may ask; it says why there is none."""
        if self.model is None or self.model.may_be_asked_by(run):
            return self.model
        run.warnings.append(
            f"{self.model.name} was not asked: it is elsewhere, and nothing of this "
            "may leave this machine. What the local engine finds is told."
        )
        return None

    def _reading(
        self, run: TaskRun, model: LanguageModel, command: ProcessWithLlm
    ) -> Reading:
        options = command.options
        pages: Pages = [{"number": 1, "text": command.content}]
        prompt = command.prompt_type.value.replace("_", "-")
        run.progress.expect(reading_steps(pages, model, prompt))
        return Reading(
            run,
            model,
            self._source(run, pages),
            Wish(
                sentences=options.summary_length,
                language=options.language,
                categories=options.categories or self.categories(run.owner),
            ),
        )

    def _source(
        self,
        run: TaskRun,
        pages: Pages,
        *,
        place: int = 0,
        item_ids: Sequence[UUID] = (),
        attachment_id: UUID | None = None,
    ) -> Source:
        cut = self.analyst.passages(run, pages, unit=place + 1)
        return Source(
            pages={int(page["number"]): str(page["text"]) for page in pages},
            chunks=cut.value.chunks,
            content=cut.key,
            item_ids=item_ids,
            attachment_id=attachment_id,
            place=place,
        )

    def _locally(self, run: TaskRun, command: ProcessWithLlm) -> ProcessedText:
        """What the local engine can honestly do of it; the rest is null."""
        asked = command.prompt_type
        if asked is PromptType.EXTRACT_INSIGHTS:
            run.progress.expect(2)
            analysis, facts = self.analyst.facts(run, command.content)
            return ProcessedText(
                prompt_type=asked,
                engine=facts.engine,
                language=analysis.language,
                needs="llm",
                facts=facts.insights,
            )
        (found,) = self.analyst.look(run, content=command.content)
        analysis = found.analysis
        picked = found.summary.best(command.options.summary_length)
        is_sorting = asked is PromptType.CATEGORIZE
        return ProcessedText(
            prompt_type=asked,
            engine=analysis.engine,
            language=analysis.language,
            needs="llm",
            key_sentences=None if is_sorting else picked,
            document_type=found.document_type if asked is not _SUMMARIZE else None,
            tags=analysis.tags if asked is not _SUMMARIZE else None,
            keywords=analysis.keywords if asked is not _SUMMARIZE else None,
            entities=analysis.entities if asked is PromptType.ANALYZE else None,
        )


_SUMMARIZE = PromptType.SUMMARIZE


def _told(
    command: ProcessWithLlm,
    told: Understanding,
    *,
    language: str | None = None,
    entities: tuple[Entity, ...] | None = None,
) -> ProcessedText:
    is_whole = command.prompt_type is PromptType.ANALYZE
    return ProcessedText(
        prompt_type=command.prompt_type,
        engine=told.engine,
        prompts=told.prompts,
        language=language,
        summary=told.summary or None,
        key_points=told.key_points,
        categories=(
            tuple(FoundCategory(name=name) for name in told.categories)
            if is_whole
            else None
        ),
        tags=told.tags if is_whole else None,
        entities=entities,
    )
