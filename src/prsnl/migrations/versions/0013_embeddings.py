"""Vectors by model and content: a text has one, and models stand side by side."""

from alembic import op

revision = "0013"
down_revision = "0012"

# No reference from a vector to its model: each insert would lock the model's row, and
# models are never removed.
UP = """
create table embedding_models (
    id integer generated always as identity primary key,
    provider text not null,
    name text not null,
    dimensions integer not null,
    created_at timestamptz not null default now(),
    unique (provider, name, dimensions)
);

create table embeddings (
    owner text not null,
    model_id integer not null,
    space text not null default '',
    content bytea not null,
    is_passage boolean not null,
    embedding vector not null,
    primary key (owner, content, model_id, space)
);
create index embeddings_of_passages on embeddings (model_id, owner) where is_passage;
comment on table embeddings is
    'One vector a text: content is its SHA-256, space the cache_prefix of a task.';

create table task_embeddings (
    task_id uuid not null references tasks on delete cascade,
    number integer not null,
    owner text not null,
    name text not null,
    type text,
    model_id integer,
    space text not null,
    content bytea not null,
    primary key (task_id, number)
);
create index task_embeddings_of_content on task_embeddings (owner, content);

alter table chunks add column content bytea;
update chunks set content = sha256(convert_to(text, 'UTF8'));
alter table chunks alter column content set not null;
create index chunks_of_content on chunks (owner, content);

insert into embedding_models (provider, name, dimensions)
select distinct 'local', model, vector_dims(embedding) from chunks
where embedding is not null;
insert into embeddings (owner, model_id, content, is_passage, embedding)
select distinct on (c.owner, m.id, c.content) c.owner, m.id, c.content, true,
       c.embedding
from chunks c
join embedding_models m
  on m.name = c.model and m.dimensions = vector_dims(c.embedding);
alter table chunks drop column embedding, drop column model;
"""

DOWN = """
alter table chunks add column model text, add column embedding vector(384);
update chunks c set model = m.name, embedding = e.embedding
from embeddings e join embedding_models m on m.id = e.model_id
where e.owner = c.owner and e.content = c.content and e.space = ''
  and m.provider = 'local' and m.dimensions = 384;
drop index chunks_of_content;
alter table chunks drop column content;
drop table task_embeddings, embeddings, embedding_models;
"""


def upgrade() -> None:
    """Make the tables, and move the vectors of the passages there."""
    op.execute(UP)


def downgrade() -> None:
    """Move the local model's vectors back."""
    op.execute(DOWN)
