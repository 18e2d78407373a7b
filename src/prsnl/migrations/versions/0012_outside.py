"""What is asked of providers: limits that all share, places, calls and their cost."""

from alembic import op

revision = "0012"
down_revision = "0011"

UP = """
alter table tasks add column waits_for text;
comment on column tasks.waits_for is
    'Of a parked task the limit that it waits for; then, for one claim, its turn.';
create index tasks_wait_for on tasks (waits_for, owner, priority desc, due_at, id)
    where status = 'parked' and waits_for is not null;
create index tasks_have_a_turn on tasks (waits_for)
    where status = 'queued' and waits_for is not null;

alter table items add column local_only boolean not null default false;
comment on column items.local_only is 'No byte of it may leave this machine.';

create table limits (
    name text primary key,
    provider text not null,
    at_once integer not null,
    request_every_s double precision not null,
    token_every_s double precision not null,
    burst_s double precision not null,
    requests_free_at timestamptz not null default '-infinity',
    tokens_free_at timestamptz not null default '-infinity',
    blocked_until timestamptz not null default '-infinity',
    refused_in_a_row integer not null default 0,
    taken_at timestamptz
);
comment on table limits is
    'A bucket for each provider and model: when the next request and the next token '
    'are free. Taken by one UPDATE, in the database''s time.';

create table slots (
    name text not null,
    number integer not null,
    call_id uuid,
    task_id uuid,
    claim_no integer,
    lease_until timestamptz not null default '-infinity',
    primary key (name, number)
);
comment on table slots is
    'Places among those that ask a provider at once. One is free when its lease is '
    'over, or the claim that took it has ended.';

create table spending (
    day date primary key,
    usd numeric not null
);
comment on table spending is
    'What was spent or is about to be on a day (UTC); of unknown prices nothing.';

create table calls (
    id uuid primary key,
    key uuid not null,
    owner text not null,
    task_id uuid,
    claim_no integer,
    stage text not null,
    unit integer not null,
    purpose text not null,
    provider text not null,
    model text not null,
    host text not null,
    reach text not null check (reach in ('local', 'lan', 'cloud')),
    day date not null default (now() at time zone 'utc')::date,
    starts_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('answered', 'refused', 'limited', 'failed',
        'silent', 'down', 'unreachable', 'unsent', 'cancelled')),
    error_code text,
    sent_bytes bigint not null,
    items_count integer not null,
    tokens_in_estimate integer not null,
    tokens_out_estimate integer not null,
    usd_estimate numeric,
    tokens_in integer,
    tokens_out integer,
    usd numeric,
    answered_by text
);
comment on table calls is
    'Each request to a provider: the intent before it, the outcome after. Without an '
    'outcome and without a claim that runs, nobody knows: it counts as its estimate.';
comment on column calls.key is
    'Sent to the provider; the same again where nobody knows what came of the last.';
comment on column calls.answered_by is
    'The model as the provider names it; of Azure a deployment may be any.';
create index calls_of_task on calls (task_id, stage, unit) where task_id is not null;
create index calls_of_owner on calls (owner, day);
create index calls_of_provider on calls (provider, finished_at)
    where finished_at is not null;
create index calls_of_model on calls (model, provider, id);
create index calls_started on calls (starts_at);

create table call_items (
    call_id uuid not null references calls on delete cascade,
    item_id uuid not null references items on delete cascade,
    primary key (item_id, call_id)
);
create index call_items_of_call on call_items (call_id);

alter table egress add column call_id uuid;
create index egress_of_call on egress (call_id) where call_id is not null;
"""

DOWN = """
alter table egress drop column call_id;
drop table call_items, calls, spending, slots, limits;
alter table items drop column local_only;
alter table tasks drop column waits_for;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them, and what they tell of money."""
    op.execute(DOWN)
