"""Passages that lack the vector of the settings' model: found, and embedded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final

from prsnl.ai_processing.embedding import (
    Batch,
    EmbeddedBatch,
    Embedder,
    TextEmbedder,
    keep_passages,
    shares,
)
from prsnl.ai_processing.embedding_specs import Refresh, Refreshed
from prsnl.core.db import Db
from prsnl.engines.contracts import Value
from prsnl.engines.embedding.contract import batches
from prsnl.items import vector_upkeep
from prsnl.items.vector_upkeep import Policy
from prsnl.items.vectors import Known
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

#: Texts that are planned at once.
_PLANNED: Final = 5_000


class Plan(Value):
    """Texts that lack a vector, by the hash, as they are asked for."""

    batches: tuple[tuple[str, ...], ...]


PLAN: Final = Stage(
    name="look for passages",
    version=1,
    result=Plan,
    title="Looking for what is not embedded",
)
EMBED_PASSAGES: Final = Stage(
    name="embed passages", version=1, result=EmbeddedBatch, title="Embedding passages"
)


@dataclass(frozen=True)
class PassageEmbedder:
    """Does `refresh_embeddings_task`: until nothing of its owner's is left to do."""

    embedder: Embedder
    policy: Policy

    def refresh(self, run: TaskRun, command: Refresh) -> Refreshed:
        """Embed all passages that lack a vector, what may leave and what may not."""
        del command
        embedded, requests, tokens = 0, 0, 0
        for part in self._parts(run):
            embedded += sum(batch.texts for batch in part)
            requests += sum(batch.texts > 0 for batch in part)
            tokens += sum(batch.tokens for batch in part)
        return Refreshed(embedded=embedded, batches=requests, tokens=tokens)

    def _parts(self, run: TaskRun) -> Iterator[Sequence[EmbeddedBatch]]:
        usual, private = self.embedder.usual, self.embedder.private
        kinds = [(usual, False)] if usual.is_here else [(usual, False), (private, True)]
        rounds = count()
        for engine, is_private in kinds:
            for number in rounds:
                plan = self._plan(run, engine, number, is_private=is_private)
                if not plan:
                    break
                yield self._embed(run, engine, plan, number, is_private=is_private)

    def _plan(
        self, run: TaskRun, engine: TextEmbedder, number: int, *, is_private: bool
    ) -> dict[int, list[bytes]]:
        def work() -> Plan:
            found = run.database.run(
                lambda connection: vector_upkeep.lacking(
                    connection,
                    vector_upkeep.wanted(connection, self.policy),
                    owner=run.owner,
                    is_private=is_private,
                    seed=run.task_id.bytes,
                    limit=_PLANNED,
                )
            )
            planned = batches([one.text for one in found], engine.limits)
            return Plan(
                batches=tuple(
                    tuple(found[place].content.hex() for place in places)
                    for places in planned
                )
            )

        plan = run.stage(
            PLAN,
            inputs=[],
            parameters={"task": str(run.task_id)},
            work=work,
            store=lambda _connection, _plan: None,
            run=number,
        ).value
        return {
            unit: [bytes.fromhex(one) for one in contents]
            for unit, contents in enumerate(plan.batches, start=1)
        }

    def _embed(
        self,
        run: TaskRun,
        engine: TextEmbedder,
        plan: Mapping[int, list[bytes]],
        number: int,
        *,
        is_private: bool,
    ) -> list[EmbeddedBatch]:
        run.progress.expect(len(plan) + 2)
        asked: dict[int, tuple[Batch, Known]] = {}

        def look(batch: Batch) -> Known:
            # Another task may have embedded some of them meanwhile.
            known = self.embedder.known(run, engine.name, batch.contents)
            asked[batch.number] = batch, known
            return known

        def save(connection: Db, made: Mapping[int, EmbeddedBatch]) -> None:
            for unit, batch in made.items():
                if unit in asked:
                    keep_passages(connection, run, batch, *asked[unit])

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, EmbeddedBatch]]:
            read = partial(self._batch, run, is_private=is_private)
            texts = (read(unit, plan[unit]) for unit in wanted)
            return self.embedder.made(run, engine, texts, look)

        return list(
            run.units(
                EMBED_PASSAGES,
                units=list(plan),
                inputs=[],
                parameters={"task": str(run.task_id)},
                work=work,
                store=save,
                run=number,
                at_once=1,
            ).values.values()
        )

    def _batch(
        self, run: TaskRun, unit: int, contents: Sequence[bytes], *, is_private: bool
    ) -> Batch:
        """A planned batch, without what was deleted since."""
        standing = run.database.run(
            lambda connection: vector_upkeep.standing(
                connection,
                vector_upkeep.wanted(connection, self.policy),
                contents,
                owner=run.owner,
                is_private=is_private,
            )
        )
        return Batch(
            stage=EMBED_PASSAGES.name,
            number=unit,
            texts=[one.text for one in standing],
            item_bytes=shares((one.text, one.items) for one in standing),
        )
