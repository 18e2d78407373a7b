"""Checkpoints: an index for the clean-up, which asks whether a task still uses one."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the index."""
    op.execute("create index task_stages_of_checkpoint on task_stages (checkpoint_key)")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop index task_stages_of_checkpoint")
