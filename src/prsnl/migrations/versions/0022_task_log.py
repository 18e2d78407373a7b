"""What workers had to say while they did a task."""

from alembic import op

revision = "0022"
down_revision = "0021"

UP = """
create table task_log (
    id bigint generated always as identity primary key,
    task_id uuid not null references tasks on delete cascade,
    claim_no integer not null,
    logged_at timestamptz not null,
    level text not null,
    event text not null,
    stage text,
    host text not null,
    worker_id uuid not null,
    fields jsonb not null default '{}'
);
create index task_log_of_task on task_log (task_id, logged_at, id);
comment on table task_log is
    'Lines of the workers'' logs that tell of a task and that no other row tells.';
"""

DOWN = "drop table task_log;"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it."""
    op.execute(DOWN)
