"""Items: what a person keeps, its files, their pages, and the passages found again."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
create table api_keys (
    key_hash bytea primary key,
    owner text not null,
    name text not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

create table items (
    id uuid primary key,
    owner text not null,
    title text not null,
    title_source text not null,
    language text,
    document_date date,
    tags text[] not null default '{}',
    keywords jsonb not null default '[]',
    entities jsonb not null default '[]',
    key_sentences jsonb not null default '[]',
    metadata jsonb not null default '{}',
    last_processed_at timestamptz,
    ai_enhancement_status text,
    processing_metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index items_of_owner on items (owner, created_at desc, id);

create table attachments (
    id uuid primary key,
    item_id uuid not null references items on delete cascade,
    owner text not null,
    file_name text not null,
    size_bytes bigint not null,
    sha256 text not null,
    mime_type text,
    kind text,
    page_count integer,
    thumbnail text,
    processing_status text not null default 'pending',
    processed_at timestamptz,
    extracted_text text,
    ai_analysis jsonb,
    document_type text,
    key_insights jsonb,
    metadata jsonb not null default '{}',
    headings jsonb not null default '[]',
    created_at timestamptz not null default now(),
    unique (owner, sha256)
);
create index attachments_of_item on attachments (item_id);

create table attachment_pages (
    attachment_id uuid not null references attachments on delete cascade,
    number integer not null,
    status text not null,
    text text not null,
    raw_text text,
    markdown text,
    engine text not null,
    reason text not null,
    confidence double precision,
    milliseconds double precision not null,
    error text,
    primary key (attachment_id, number)
);

create table chunks (
    attachment_id uuid not null references attachments on delete cascade,
    number integer not null,
    item_id uuid not null references items on delete cascade,
    owner text not null,
    text text not null,
    page_from integer not null,
    page_to integer not null,
    start_offset integer not null,
    end_offset integer not null,
    model text,
    embedding vector(384),
    primary key (attachment_id, number)
);
create index chunks_of_item on chunks (item_id);

-- However a task ends, its file says so in the same transaction.
create function attachments_follow_tasks() returns trigger language plpgsql as $$
begin
    update attachments
    set processing_status = case
        when new.status = 'running' then 'processing'
        when new.status in ('failure', 'dead') then 'failed'
        when new.status = 'revoked' then 'cancelled'
        else 'pending' end
    where id = new.attachment_id and processing_status <> 'completed';
    return null;
end $$;
create trigger attachments_await_tasks after insert on tasks
for each row when (new.attachment_id is not null)
execute function attachments_follow_tasks();
create trigger attachments_follow_tasks after update of status on tasks
for each row
when (new.attachment_id is not null and new.status is distinct from old.status
      and new.status <> 'success')
execute function attachments_follow_tasks();
"""

DOWN = """
drop trigger attachments_await_tasks on tasks;
drop trigger attachments_follow_tasks on tasks;
drop function attachments_follow_tasks;
drop table chunks, attachment_pages, attachments, items, api_keys;
"""


def upgrade() -> None:
    """Make the tables of items and files."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
