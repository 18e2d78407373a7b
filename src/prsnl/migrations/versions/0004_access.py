"""Access: what a key may do, one-use links, and the sessions of browsers."""

from alembic import op

revision = "0004"
down_revision = "0002"

UP = """
alter table api_keys
    add column id uuid not null default gen_random_uuid() unique,
    add column scopes text[] not null default '{read,write,admin}' check (
        scopes <@ '{read,write,admin}' and cardinality(scopes) > 0),
    add column last_used_at timestamptz,
    add column expires_at timestamptz;
alter table api_keys alter column scopes drop default;
create index api_keys_of_owner on api_keys (owner, id);

create table sign_in_links (
    token_hash bytea primary key,
    key_id uuid not null references api_keys (id) on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    session_id uuid
);
create index sign_in_links_of_key on sign_in_links (key_id);

create table sessions (
    id uuid primary key,
    token_hash bytea not null unique,
    key_id uuid not null references api_keys (id) on delete cascade,
    device text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index sessions_of_key on sessions (key_id, id);
comment on table sessions is
    'Signed-in browsers. One ends with the key that its link was made with.';
"""

DOWN = """
drop table sessions, sign_in_links;
alter table api_keys
    drop column id, drop column scopes, drop column last_used_at,
    drop column expires_at;
"""


def upgrade() -> None:
    """Give keys scopes and an end, and browsers sessions."""
    op.execute(UP)


def downgrade() -> None:
    """Take both away; keys then may do everything."""
    op.execute(DOWN)
