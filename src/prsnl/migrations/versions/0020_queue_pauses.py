"""Queues that are paused, and slots that pass by those who may not run."""

from alembic import op

revision = "0020"
down_revision = "0019"

UP = """
create table queue_pauses (
    queue text primary key,
    paused_by text not null,
    paused_at timestamptz not null default now()
);
comment on table queue_pauses is
    'Queues whose tasks are not begun; what runs in them goes on to its end.';

create or replace function machine_slot_freed(freed text) returns void
language plpgsql as $$
begin
    update tasks
    set slot = null, due_at = now(), updated_at = now(), seq = seq + 1
    where id = (
        select t.id from tasks t where t.slot = freed and t.status = 'queued'
          and not exists (select from queue_pauses p where p.queue = t.queue)
        order by t.priority desc, t.id limit 1 for update of t skip locked);
end $$;
comment on function machine_slot_freed is
    'Lets the next task try that waits for a slot of this name and whose queue is not '
    'paused: small ones first.';
"""

DOWN = """
create or replace function machine_slot_freed(freed text) returns void
language plpgsql as $$
begin
    update tasks
    set slot = null, due_at = now(), updated_at = now(), seq = seq + 1
    where id = (
        select id from tasks where slot = freed and status = 'queued'
        order by priority desc, id limit 1 for update skip locked);
end $$;
comment on function machine_slot_freed is
    'Lets the next task try that waits for a slot of this name: small ones first.';
drop table queue_pauses;
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it: every queue goes on."""
    op.execute(DOWN)
