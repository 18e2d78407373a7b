"""Failures by cause: where they happened, and which causes somebody has resolved."""

from alembic import op

revision = "0021"
down_revision = "0020"

UP = """
alter table tasks
    add column retries_of smallint,
    add column error_stage text,
    add column error_engine text;
comment on column tasks.retries_of is
    'How many tries again the newest error allows in all.';
comment on column tasks.error_stage is 'The stage that the newest error ended.';
comment on column tasks.error_engine is 'What did it: an operation, a model.';
create index tasks_failed on tasks (owner, id) where status in ('failure', 'dead');

alter table celery_task_results
    add column error_stage text,
    add column error_engine text;
create index celery_task_results_failed on celery_task_results (owner, id)
    where status in ('failure', 'dead');

create function failure_fingerprint(
    category text, code text, stage text, engine text
) returns text language sql immutable parallel safe
return left(md5(coalesce(category, '') || chr(31) || coalesce(code, '') || chr(31)
    || coalesce(stage, '') || chr(31) || coalesce(engine, '')), 16);
comment on function failure_fingerprint is
    'Failures of one cause share it: whatever failed, whosever it is.';

create table failure_families (
    owner text not null,
    fingerprint text not null,
    resolved_at timestamptz not null default now(),
    primary key (owner, fingerprint)
);
comment on table failure_families is
    'Causes that their owner has resolved: what failed of them before counts no more.';
"""

DOWN = """
drop table failure_families;
drop function failure_fingerprint;
drop index celery_task_results_failed;
alter table celery_task_results drop column error_stage, drop column error_engine;
drop index tasks_failed;
alter table tasks drop column retries_of, drop column error_stage,
    drop column error_engine;
"""


def upgrade() -> None:
    """Make room for causes."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them: every failure is open again."""
    op.execute(DOWN)
