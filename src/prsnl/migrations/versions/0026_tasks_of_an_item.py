"""The tasks that are about an item as a whole, found without reading the others."""

from alembic import op

revision = "0026"
down_revision = "0024"

UP = """
create index tasks_of_item on tasks ((command ->> 'content_id'))
    where command ->> 'content_id' is not null;
"""

DOWN = "drop index tasks_of_item;"


def upgrade() -> None:
    """Make the index."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it."""
    op.execute(DOWN)
