"""The library: a person's own values, the trash, what left this machine, and blobs."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = """
alter table items
    add column user_fields text[] not null default '{}',
    add column idempotency_key text,
    add column request_hash bytea,
    add unique (owner, idempotency_key);
comment on column items.user_fields is
    'What a person has set: no later analysis overwrites it.';
create index items_trashed on items (deleted_at) where deleted_at is not null;
create index items_tags on items using gin (tags);

-- Two notes may say the same; an upload of the same bytes is the same file.
alter table attachments
    add column origin text not null default 'upload'
        check (origin in ('upload', 'note')),
    drop constraint attachments_owner_sha256_key;
create unique index attachments_uploaded on attachments (owner, sha256)
    where origin = 'upload';
create index attachments_sha256 on attachments (sha256);
create index attachments_thumbnail on attachments (thumbnail)
    where thumbnail is not null;
create index task_checkpoints_blob on task_checkpoints (blob) where blob is not null;
create index celery_task_results_of_owner
    on celery_task_results (owner, finished_at);
-- Parents that wait, and children that are held: few, and in no other index.
create index tasks_of_batches on tasks (queue)
    where status = 'waiting' or (status = 'queued' and held);
create index tasks_dead on tasks (owner, id desc) where status in ('failure', 'dead');

create table egress (
    id bigint generated always as identity primary key,
    owner text not null,
    item_id uuid not null references items on delete cascade,
    attachment_id uuid references attachments on delete cascade,
    task_id uuid not null,
    stage text not null,
    unit integer not null default 0,
    claim_no integer not null,
    host text not null,
    reach text not null check (reach in ('local', 'lan', 'cloud')),
    sent_bytes bigint not null check (sent_bytes >= 0),
    sent_at timestamptz not null default now()
);
create index egress_of_item on egress (item_id, id);
create index egress_of_attachment on egress (attachment_id)
    where attachment_id is not null;
comment on table egress is
    'Each sending of an item''s bytes to a host, written under the fence of its task.';

-- Every row that names bytes in the storage. A table that comes to name some joins
-- here: what nothing names is removed.
create view blob_names as
select sha256 as name, id as attachment_id from attachments
union all
select thumbnail, id from attachments where thumbnail is not null
union all
select blob, null from task_checkpoints where blob is not null;

create table doomed_blobs (
    name text primary key,
    doomed_at timestamptz not null default now()
);
comment on table doomed_blobs is
    'Bytes whose rows are gone: removed as soon as nobody can be about to name them.';
"""

DOWN = """
drop table doomed_blobs;
drop view blob_names;
drop table egress;
drop index tasks_of_batches, tasks_dead, celery_task_results_of_owner,
    task_checkpoints_blob, attachments_thumbnail, attachments_sha256,
    attachments_uploaded, items_tags, items_trashed;
delete from items where id in (select item_id from attachments where origin = 'note');
alter table attachments drop column origin, add unique (owner, sha256);
alter table items
    drop column request_hash, drop column idempotency_key, drop column user_fields;
"""


def upgrade() -> None:
    """Make the library's tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them; notes cannot stay."""
    op.execute(DOWN)
