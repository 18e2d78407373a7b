"""The pads of sealed passwords are named; items are found in the order of lists."""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = """
create index items_listed on items (owner, id desc);
create or replace view blob_names as
select sha256 as name, id as attachment_id from attachments
union all
select thumbnail, id from attachments where thumbnail is not null
union all
select blob, null from task_checkpoints where blob is not null
union all
select pad, null from task_secrets;
"""

DOWN = """
drop index items_listed;
create or replace view blob_names as
select sha256 as name, id as attachment_id from attachments
union all
select thumbnail, id from attachments where thumbnail is not null
union all
select blob, null from task_checkpoints where blob is not null;
"""


def upgrade() -> None:
    """Name the pads, and make the index."""
    op.execute(UP)


def downgrade() -> None:
    """Leave them out again."""
    op.execute(DOWN)
