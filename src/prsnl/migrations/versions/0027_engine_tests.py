"""The newest test of each engine is found without reading an owner's tasks."""

from alembic import op

revision = "0027"
down_revision = "0026"

UP = """
create index tasks_try_engines on tasks (owner, (command ->> 'job'), id desc)
where name in ('try_file_engine_task', 'try_media_engine_task', 'try_ai_engine_task');
"""

DOWN = "drop index tasks_try_engines;"


def upgrade() -> None:
    """Make the index."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it."""
    op.execute(DOWN)
