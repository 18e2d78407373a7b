"""What OCR did for a page: how far it was turned, in which languages, its doubts."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add it."""
    op.execute(
        "alter table attachment_pages add column recognition jsonb; "
        "comment on column attachment_pages.recognition is "
        "'Null where OCR had no part in the page.'"
    )


def downgrade() -> None:
    """Remove it."""
    op.execute("alter table attachment_pages drop column recognition")
