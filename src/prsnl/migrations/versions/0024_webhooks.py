"""Addresses that are told when work ends, and what was sent to them."""

from alembic import op

revision = "0024"
down_revision = "0023"

UP = """
create table webhooks (
    id uuid primary key,
    owner text not null,
    url text not null,
    events text[] not null,
    secret text,
    of_setting boolean not null default false,
    created_at timestamptz not null default now(),
    ends_xid xid8 not null,
    ends_id bigint not null default 0,
    work_xid xid8 not null,
    work_id bigint not null default 0,
    failures_in_a_row integer not null default 0,
    disabled_at timestamptz,
    disabled_because text,
    unique (owner, url)
);
comment on column webhooks.of_setting is
    'It is PRSNL_NOTIFY_URL: made and removed with the setting.';
comment on column webhooks.ends_xid is
    'With ends_id the place in the feed up to which ends of tasks were told; work_xid '
    'and work_id the same for the end of all work.';

create table webhook_deliveries (
    id uuid primary key,
    webhook_id uuid not null references webhooks on delete cascade,
    owner text not null,
    task_id uuid not null references tasks on delete cascade,
    event text not null,
    body jsonb not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    sent_at timestamptz,
    finished_at timestamptz,
    outcome text check (outcome in ('delivered', 'failed', 'dropped')),
    http_status integer,
    problem text
);
comment on table webhook_deliveries is
    'Each message: the intent before it is sent, the outcome after. Ids and states '
    'alone are in it, never a text.';
create index webhook_deliveries_of_webhook
    on webhook_deliveries (webhook_id, created_at desc);
create index webhook_deliveries_of_task on webhook_deliveries (task_id);
create index webhook_deliveries_open on webhook_deliveries (webhook_id)
    where outcome is null;
"""

DOWN = "drop table webhook_deliveries, webhooks;"


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
