"""The page ledger whole: labels, runs, running lines, links; sealed passwords."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
alter table attachment_pages
    add column label text,
    add column run integer not null default 0,
    add column edges jsonb not null default '[]',
    add column links jsonb not null default '[]',
    add column read_text text,
    add column read_markdown text;
comment on column attachment_pages.run is
    'Raised each time the user has had this page done again.';
comment on column attachment_pages.edges is
    'The lines at the head and the foot, by which running ones are told.';
comment on column attachment_pages.read_text is
    'The text before running lines were left out; null where none was.';

create table task_secrets (
    task_id uuid primary key,
    sealed bytea,
    pad text not null,
    created_at timestamptz not null default now()
);
comment on table task_secrets is
    'Half of a password, useless without the other half in the storage; gone in the '
    'transaction that ends its task.';
create index task_secrets_spent on task_secrets (task_id) where sealed is null;

create function task_secrets_end() returns trigger language plpgsql as $$
begin
    update task_secrets set sealed = null
    where task_id = new.id and sealed is not null;
    return null;
end $$;
create trigger task_secrets_end after update of status on tasks
for each row
when (new.attachment_id is not null and new.status is distinct from old.status
      and new.status in ('success', 'failure', 'dead', 'revoked'))
execute function task_secrets_end();
"""

DOWN = """
drop trigger task_secrets_end on tasks;
drop function task_secrets_end;
drop table task_secrets;
alter table attachment_pages
    drop column label, drop column run, drop column edges, drop column links,
    drop column read_text, drop column read_markdown;
"""


def upgrade() -> None:
    """Add them."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
