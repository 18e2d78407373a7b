"""What a language model says of an item, beside what the local engine found."""

from alembic import op

revision = "0019"
down_revision = "0018"

UP = """
alter table items
    add column summary text,
    add column summary_engine text,
    add column key_points jsonb not null default '[]';
comment on column items.summary is
    'In a model''s own words; null where no language model was asked.';
comment on column items.summary_engine is
    'The model that wrote it.';
comment on column items.key_points is
    'Statements, each with the passages and pages that say it.';
"""

DOWN = """
alter table items drop column summary, drop column summary_engine,
    drop column key_points;
"""


def upgrade() -> None:
    """Make room for summaries."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
