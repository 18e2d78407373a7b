"""Categories: an owner's taxonomy, what an item is filed under, where it lies."""

from alembic import op

revision = "0014"
down_revision = "0013"

UP = """
alter table items
    add column category text,
    add column category_confidence double precision,
    add column category_source text
        check (category_source in ('user', 'suggested', 'llm')),
    add column category_reason text;
comment on column items.category is
    'A name of the taxonomy, or uncategorised: nothing was sure enough.';
create index items_of_category on items (owner, category) where category is not null;

alter table attachments
    add column document_type_confidence double precision,
    add column document_type_reason text;

create table taxonomies (
    owner text primary key,
    content jsonb not null,
    updated_at timestamptz not null default now()
);
comment on table taxonomies is
    'What an owner''s documents are sorted by; without a row it is the default.';

create table item_vectors (
    item_id uuid primary key references items on delete cascade,
    owner text not null,
    model text not null,
    vector vector(384) not null
);
create index item_vectors_of_owner on item_vectors (owner, model, item_id);
comment on table item_vectors is
    'One vector an item, of its title, keywords and beginning: its neighbours are like '
    'it as a whole.';
"""

DOWN = """
drop table item_vectors, taxonomies;
alter table attachments
    drop column document_type_confidence, drop column document_type_reason;
drop index items_of_category;
alter table items
    drop column category, drop column category_confidence,
    drop column category_source, drop column category_reason;
update items set user_fields = array_remove(user_fields, 'category');
"""


def upgrade() -> None:
    """Make the columns and tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them; taxonomies cannot stay."""
    op.execute(DOWN)
