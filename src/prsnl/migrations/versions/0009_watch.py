"""Watched folders: who looks after each, and every file of it that was taken in."""

from alembic import op

revision = "0009"
down_revision = "0008"

UP = """
create table watched_folders (
    folder text primary key,
    holder uuid not null,
    held_until timestamptz not null,
    trouble text,
    unreadable integer not null default 0,
    looked_at timestamptz not null default now()
);
comment on table watched_folders is
    'One scheduler at a time looks after a folder, for as long as it renews its row.';

create table watched_files (
    folder text not null,
    path bytea not null,
    size_bytes bigint not null,
    mtime_ns bigint not null,
    sha256 text not null,
    task_id uuid,
    outcome text not null check (outcome in ('taken', 'duplicate', 'done', 'failed')),
    reason text,
    is_settled boolean not null default false,
    is_away boolean not null default false,
    seen_at timestamptz not null default now(),
    primary key (folder, path)
);
comment on column watched_files.path is
    'Below the folder, as the file system has it: a name need not be UTF-8.';
comment on column watched_files.is_settled is
    'What the settings want done with a file that is finished is done.';
comment on column watched_files.is_away is
    'It was moved or deleted: what comes in its place is another file.';
create index watched_files_open on watched_files (folder) where not is_settled;
"""

DOWN = """
drop table watched_files, watched_folders;
"""


def upgrade() -> None:
    """Make the tables of the watched folders."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
