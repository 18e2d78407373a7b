"""Recordings: what they are, their key frames; slots that large jobs take in turn."""

from alembic import op

revision = "0016"
down_revision = "0015"

UP = """
alter table attachments add column media jsonb;
comment on column attachments.media is
    'What a recording says of itself: length, tracks, chapters; null for other files.';

create table attachment_frames (
    attachment_id uuid not null references attachments on delete cascade,
    number integer not null check (number >= 1),
    time_s double precision not null,
    start_s double precision not null,
    end_s double precision not null,
    width integer not null,
    height integer not null,
    blob text not null,
    text text,
    primary key (attachment_id, number)
);
create index attachment_frames_blob on attachment_frames (blob);
comment on column attachment_frames.text is
    'What OCR read on it; null where none was asked for.';

create or replace view blob_names as
select sha256 as name, id as attachment_id from attachments
union all
select thumbnail, id from attachments where thumbnail is not null
union all
select blob, null from task_checkpoints where blob is not null
union all
select pad, null from task_secrets
union all
select blob, attachment_id from attachment_frames;

-- A job that takes a machine for itself holds a slot of it for as long as it runs. The
-- lease of the slot is the lease of its task.
create table machine_slots (
    name text not null,
    number integer not null default 1,
    task_id uuid references tasks on delete set null,
    taken_at timestamptz,
    primary key (name, number)
);
create index machine_slots_of_task on machine_slots (task_id) where task_id is not null;

alter table tasks add column slot text;
comment on column tasks.slot is
    'The slot that a running task holds, or that a queued one waits for: it looks '
    'again by itself when it is due.';
create index tasks_of_slot on tasks (slot, priority desc, id)
    where slot is not null and status = 'queued';

create function machine_slot_freed(freed text) returns void language plpgsql as $$
begin
    update tasks
    set slot = null, due_at = now(), updated_at = now(), seq = seq + 1
    where id = (
        select id from tasks where slot = freed and status = 'queued'
        order by priority desc, id limit 1 for update skip locked);
end $$;
comment on function machine_slot_freed is
    'Lets the next task try that waits for a slot of this name: small ones first.';

create function machine_slots_end() returns trigger language plpgsql as $$
declare freed text;
begin
    update tasks set slot = null where id = new.id;
    for freed in
        update machine_slots set task_id = null, taken_at = null
        where task_id = new.id returning name
    loop
        perform machine_slot_freed(freed);
    end loop;
    return null;
end $$;
create trigger machine_slots_end after update of status on tasks
for each row
when (old.slot is not null and old.status = 'running' and new.status <> 'running')
execute function machine_slots_end();
"""

DOWN = """
drop trigger machine_slots_end on tasks;
drop function machine_slots_end;
drop function machine_slot_freed;
drop index tasks_of_slot;
alter table tasks drop column slot;
drop table machine_slots;
create or replace view blob_names as
select sha256 as name, id as attachment_id from attachments
union all
select thumbnail, id from attachments where thumbnail is not null
union all
select blob, null from task_checkpoints where blob is not null
union all
select pad, null from task_secrets;
drop table attachment_frames;
alter table attachments drop column media;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
