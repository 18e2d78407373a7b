"""What the engines were set to, to tell when that has changed."""

from alembic import op

revision = "0015"
down_revision = "0014"

UP = """
create table engine_settings (
    name text primary key,
    mark text not null,
    changed_at timestamptz not null default now()
);
comment on table engine_settings is
    'What waits is tried again when a worker begins with other settings.';
comment on column engine_settings.mark is
    'The beginning of a hash of them: equal is equal, and it tells nothing else.';
"""

DOWN = "drop table engine_settings"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it."""
    op.execute(DOWN)
