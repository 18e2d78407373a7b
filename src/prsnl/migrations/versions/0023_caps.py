"""How many tasks one owner, and one queue, may have running and waiting."""

from alembic import op

revision = "0023"
down_revision = "0022"

UP = """
create table caps (
    what text not null check (what in ('running', 'queued')),
    queue text not null,
    most integer not null check (most >= 1),
    primary key (what, queue)
);
comment on table caps is
    'What the scheduler that started last was set to; without a row there is no cap.';
comment on column caps.queue is
    'A queue''s name; empty: each owner, over all queues.';
"""

DOWN = "drop table caps;"


def upgrade() -> None:
    """Make room for the caps."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
