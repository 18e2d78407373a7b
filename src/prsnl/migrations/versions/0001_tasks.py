"""Tasks: the row that decides, its events, stages, checkpoints and log."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
create extension if not exists vector;

create table tasks (
    id uuid primary key,
    owner text not null,
    name text not null,
    queue text not null,
    priority smallint not null default 0,
    command jsonb not null,
    command_hash bytea not null,
    idempotency_key text,
    parent_id uuid references tasks on delete cascade,
    attachment_id uuid,

    status text not null default 'queued' check (status in (
        'queued', 'running', 'parked', 'waiting',
        'success', 'failure', 'dead', 'revoked')),
    due_at timestamptz not null default now(),
    sent_at timestamptz,
    cancel_requested_at timestamptz,
    provider text,
    children_open integer not null default 0,
    children_at_once integer,
    held boolean not null default false,

    claim_no integer not null default 0,
    worker_id uuid,
    queued_at timestamptz,
    claimed_at timestamptz,
    lease_until timestamptz,
    retries integer not null default 0,
    crashes integer not null default 0,

    current integer not null default 0,
    total integer,
    message text not null default '',
    seq bigint not null default 0,

    result jsonb,
    warnings jsonb not null default '[]',
    error_category text,
    error_code text,
    error_message text,

    created_at timestamptz not null default now(),
    started_at timestamptz,
    updated_at timestamptz not null default now(),
    finished_at timestamptz,

    unique (owner, idempotency_key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

comment on column tasks.claim_no is
    'The fencing token: raised by every claim, never lowered.';
comment on column tasks.queued_at is
    'Since when the newest claim''s worker could have had it.';
comment on column tasks.sent_at is
    'When a hint was last sent to the broker; null when none is believed out.';

comment on column tasks.held is
    'A child above the number that may run at once; freed when a sibling ends.';

create index tasks_due on tasks (queue, owner, priority desc, due_at, id)
    where status = 'queued' and sent_at is null and not held;
create index tasks_sent on tasks (queue, sent_at)
    where status = 'queued' and sent_at is not null;
create index tasks_running on tasks (queue, owner, lease_until)
    where status = 'running';
create index tasks_parked on tasks (provider, due_at, id) where status = 'parked';
create index tasks_of_provider on tasks (provider)
    where provider is not null and status in ('queued', 'running');
create index tasks_of_parent on tasks (parent_id, status) where parent_id is not null;
create index tasks_of_owner on tasks (owner, id desc);
create index tasks_of_attachment on tasks (attachment_id)
    where attachment_id is not null;
create index tasks_finished on tasks (finished_at) where finished_at is not null;

create table celery_task_results (
    id bigint generated always as identity primary key,
    task_id uuid not null references tasks on delete cascade,
    claim_no integer not null,
    task_name text not null,
    queue text not null,
    owner text not null,
    worker_id uuid,
    status text not null,
    queued_at timestamptz not null,
    started_at timestamptz not null,
    finished_at timestamptz not null default now(),
    runtime_s double precision not null,
    retry_count integer not null,
    error_category text,
    error_code text,
    error_message text,
    traceback text,
    peak_memory_bytes bigint,
    unique (task_id, claim_no)
);
create index celery_task_results_finished on celery_task_results (finished_at);
comment on table celery_task_results is
    'The comprehensive log: one row a claim, written when the claim ends.';

create table task_progress (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    task_id uuid not null references tasks on delete cascade,
    owner text not null,
    seq bigint not null,
    status text not null,
    current integer not null,
    total integer,
    message text not null,
    created_at timestamptz not null default now()
);
create index task_progress_of_task on task_progress (task_id, seq);
create index task_progress_feed on task_progress (owner, xid, id);
create index task_progress_created on task_progress (created_at);

create table task_stages (
    task_id uuid not null references tasks on delete cascade,
    stage text not null,
    unit integer not null default 0,
    run integer not null default 0,
    claim_no integer not null,
    checkpoint_key bytea not null,
    from_checkpoint boolean not null default false,
    milliseconds double precision not null,
    committed_at timestamptz not null default now(),
    primary key (task_id, stage, unit, run)
);
comment on table task_stages is
    'The guard: effects are applied only by the transaction whose row here is new.';

create table task_checkpoints (
    owner text not null,
    key bytea not null,
    result jsonb,
    blob text,
    created_at timestamptz not null default now(),
    primary key (owner, key),
    check (result is not null or blob is not null)
);
create index task_checkpoints_created on task_checkpoints (created_at);

create table workers (
    id uuid primary key,
    kind text not null check (kind in ('worker', 'scheduler')),
    host text not null,
    pid integer not null,
    queues text[] not null,
    slots integer not null,
    busy integer not null default 0,
    state text not null default 'running' check (state in ('running', 'draining')),
    trouble text,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);

create table providers (
    name text primary key,
    state text not null check (state in ('down', 'probing', 'recovering')),
    reason text not null,
    down_since timestamptz not null default now(),
    next_try_at timestamptz not null,
    wait_s double precision not null,
    batch integer not null default 1
);

create view active_task_progress as
select id as task_id, owner, name as task_name, queue, status, current, total,
       case when coalesce(total, 0) > 0
            then round(100.0 * least(current, total) / total, 1) end as percentage,
       message, claim_no as attempt, worker_id, started_at, updated_at,
       extract(epoch from now() - coalesce(claimed_at, created_at)) as elapsed_s
from tasks
where status in ('queued', 'running', 'parked', 'waiting');

create view task_performance_overview as
select queue, task_name,
       count(*) as claims,
       count(*) filter (where status = 'success') as succeeded,
       count(*) filter (where status in ('failure', 'dead')) as failed,
       count(*) filter (where status = 'queued') as tried_again,
       avg(runtime_s) as runtime_avg_s,
       percentile_cont(0.95) within group (order by runtime_s) as runtime_p95_s,
       max(runtime_s) as runtime_max_s,
       avg(extract(epoch from started_at - queued_at)) as wait_avg_s,
       max(peak_memory_bytes) as peak_memory_bytes
from celery_task_results
where finished_at > now() - interval '24 hours'
group by queue, task_name;

create function prsnl_cleanup(
    progress_age interval default '7 days',
    results_age interval default '30 days',
    batch integer default 5000
) returns table (
    progress_rows bigint, task_rows bigint, checkpoint_rows bigint, blobs text[])
language plpgsql as $$
begin
    delete from task_progress where id in (
        select p.id from task_progress p join tasks t on t.id = p.task_id
        where p.created_at < now() - progress_age and t.finished_at is not null
        limit batch);
    get diagnostics progress_rows = row_count;
    delete from tasks where id in (
        select id from tasks
        where finished_at < now() - results_age and parent_id is null
        limit batch);
    get diagnostics task_rows = row_count;
    with gone as (
        delete from task_checkpoints where (owner, key) in (
            select c.owner, c.key from task_checkpoints c
            where c.created_at < now() - results_age
              and not exists (
                  select 1 from task_stages s join tasks t on t.id = s.task_id
                  where s.checkpoint_key = c.key and t.finished_at is null)
            limit batch)
        returning blob)
    select count(*), coalesce(array_agg(distinct blob) filter (where blob is not null),
                              '{}')
    into checkpoint_rows, blobs from gone;
    return next;
end $$;
comment on function prsnl_cleanup is
    'Removes events after 7 days, ended tasks with their log, stages and checkpoints '
    'after 30; at most one batch of each a call. Tells the blobs that went with them.';
"""

DOWN = """
drop function prsnl_cleanup;
drop view task_performance_overview;
drop view active_task_progress;
drop table providers, workers, task_checkpoints, task_stages, task_progress,
    celery_task_results, tasks;
drop extension vector;
"""


def upgrade() -> None:
    """Make the tables of the job core."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
