"""Members: which files lay in which mail or archive."""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = """
create table attachment_members (
    container_id uuid not null references attachments on delete cascade,
    number integer not null,
    name text not null,
    member_id uuid references attachments on delete cascade,
    problem text,
    primary key (container_id, number)
);
create index attachment_members_of_member on attachment_members (member_id);
"""

DOWN = """
drop table attachment_members;
"""


def upgrade() -> None:
    """Make the table of members."""
    op.execute(UP)


def downgrade() -> None:
    """Remove it."""
    op.execute(DOWN)
