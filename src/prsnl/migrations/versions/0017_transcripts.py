"""Transcripts: what is said in a recording, and the ledger of its segments."""

from alembic import op

revision = "0017"
down_revision = "0016"

UP = """
create table transcripts (
    attachment_id uuid primary key references attachments on delete cascade,
    duration_s double precision not null,
    speech_s double precision not null,
    segments integer not null,
    quality text,
    engine text,
    language text,
    speakers jsonb,
    turns jsonb,
    updated_at timestamptz not null default now()
);
comment on table transcripts is
    'What is true of a transcript as a whole; speakers is null until they were told '
    'apart.';
create index transcripts_drafts on transcripts (attachment_id) where quality = 'draft';

create table transcript_segments (
    attachment_id uuid not null references attachments on delete cascade,
    number integer not null check (number >= 1),
    from_s double precision not null,
    to_s double precision not null,
    channel integer,
    status text not null,
    text text not null,
    phrases jsonb not null default '[]',
    speaker text,
    confidence double precision,
    engine text not null,
    quality text not null,
    language text,
    language_confidence double precision,
    milliseconds double precision not null,
    error text,
    run integer not null default 0,
    primary key (attachment_id, number)
);
comment on column transcript_segments.phrases is
    'What one voice says in one go: from_s, to_s, text, words with times, speaker.';
comment on column transcript_segments.run is
    'Raised each time the user has had this segment done again.';
"""

DOWN = """
drop table transcript_segments;
drop table transcripts;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
