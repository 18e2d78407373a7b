"""The ai_processing queue: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.ai_processing.categorization import SmartCategorizer
from prsnl.ai_processing.categorization_specs import (
    SMART_CATEGORIZATION,
    SmartCategorization,
    SmartCategorized,
)
from prsnl.ai_processing.embedding_batch import BatchEmbedder
from prsnl.ai_processing.embedding_specs import (
    EMBED_TEXTS,
    REFRESH,
    EmbeddedTexts,
    EmbedTexts,
    Refresh,
    Refreshed,
)
from prsnl.ai_processing.embedding_upkeep import PassageEmbedder
from prsnl.ai_processing.prompt_specs import (
    PROCESS_WITH_LLM,
    ProcessedText,
    ProcessWithLlm,
)
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent, ContentAnalysis
from prsnl.ai_processing.understanding import TextUnderstanding
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(ANALYZE_CONTENT)
def analyze_content_task(run: TaskRun, command: AnalyzeContent) -> ContentAnalysis:
    """Analyse one item or text. Safe to repeat: stored once, under the fence."""
    return run.get(TextUnderstanding).analyze(run, command)


@TASKS.handles(EMBED_TEXTS)
def generate_embeddings_batch_task(run: TaskRun, command: EmbedTexts) -> EmbeddedTexts:
    """Embed many texts. Safe to repeat: each batch is kept once, under the fence."""
    return run.get(BatchEmbedder).embed(run, command)


@TASKS.handles(REFRESH)
def refresh_embeddings_task(run: TaskRun, command: Refresh) -> Refreshed:
    """Embed passages that lack a vector. Safe to repeat: each is kept once."""
    return run.get(PassageEmbedder).refresh(run, command)


@TASKS.handles(PROCESS_WITH_LLM)
def process_with_llm_task(run: TaskRun, command: ProcessWithLlm) -> ProcessedText:
    """Do what is asked of one text. Safe to repeat: each answer is kept."""
    return run.get(TextUnderstanding).process(run, command)


@TASKS.handles(SMART_CATEGORIZATION)
def smart_categorization_task(
    run: TaskRun, command: SmartCategorization
) -> SmartCategorized:
    """Suggest categories. Safe to repeat: a person's own word is never undone."""
    return run.get(SmartCategorizer).categorize(run, command)
