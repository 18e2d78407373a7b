"""Search: every page's words, the words an owner has used, and collections."""

from alembic import op

revision = "0018"
down_revision = "0017"

# The server's own means alone: unaccent and pg_trgm are not everywhere.
FUNCTIONS = r"""
create function search_fold(given text) returns text
language sql immutable strict parallel safe as $$
    select translate(replace(replace(replace(lower(
        regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), U&'ø\0142đ\0131ŧħ\2019', 'oldith''')
$$;
comment on function search_fold is
    'Small letters without accents; prsnl.search.folding.fold is the same.';

create function search_plain(folded text) returns text
language sql immutable strict parallel safe as $$
    select regexp_replace(regexp_replace(
        folded, '([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])',
        ' \1 ', 'g'),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f'
        '\u00d7\u00f7\u20a0-\u20cf\u2190-\u2bff\u3000-\u303f\ufe30-\ufe4f\ufffd]+',
        ' ', 'g')
$$;
comment on function search_plain is
    'Words with blanks between; of a script without blanks each sign is a word.';

create function search_codes(folded text) returns text[]
language sql immutable strict parallel safe as $$
    select coalesce(array_agg(distinct each.code), '{}')
    from (
        select btrim(piece, '.,:!?-/_''*&=~+#%$€£§…') as code
        from unnest(string_to_array(translate(
            folded, E'\u00a0\n\t\r\f"„“”«»\u2018()<>[]{}|;', repeat(' ', 24)), ' '))
            as piece
        where length(piece) between 3 and 120
          and piece ~ '[a-z0-9\u0080-\uffff][-/_.@:+,#&*=~%$\\]+[a-z0-9\u0080-\uffff]'
    ) as token
    cross join lateral (values
        (token.code), (regexp_replace(token.code, '[^a-z0-9\u0080-\uffff]+', '', 'g'))
    ) as each (code)
$$;
comment on function search_codes is
    'Numbers, codes, addresses as printed, and each once more without its signs.';

create function search_ibans(folded text) returns text[]
language sql immutable strict parallel safe as $$
    select coalesce(array_agg(distinct replace(match[1], ' ', '')), '{}')
    from regexp_matches(folded,
        '\m([a-z]{2}[0-9]{2}(?: [a-z0-9]{4}){2,7}(?: [0-9]{1,3})?)\M', 'g') as match
$$;

create function search_config(language text) returns regconfig
language sql immutable parallel safe as $$
    select case language
        when 'ar' then 'arabic'::regconfig when 'ca' then 'catalan'
        when 'da' then 'danish' when 'de' then 'german' when 'el' then 'greek'
        when 'en' then 'english' when 'es' then 'spanish' when 'fi' then 'finnish'
        when 'fr' then 'french' when 'hu' then 'hungarian' when 'it' then 'italian'
        when 'nb' then 'norwegian' when 'nl' then 'dutch' when 'pt' then 'portuguese'
        when 'ro' then 'romanian' when 'ru' then 'russian' when 'sv' then 'swedish'
        when 'tr' then 'turkish' end
$$;

create function search_vector(given text, language text, marks text[])
returns tsvector language plpgsql immutable parallel safe as $$
declare
    folded text := search_fold(given);
    plain text := search_plain(folded);
    config regconfig := search_config(language);
    made tsvector := setweight(to_tsvector('simple', plain), 'A');
begin
    if config is not null then
        made := made || strip(
            ts_delete(to_tsvector(config, plain), tsvector_to_array(made)));
    end if;
    return made || array_to_tsvector(
        marks || search_codes(folded) || search_ibans(folded));
end $$;

create function search_parts(given text)
returns table (part integer, start_offset integer, content text)
language plpgsql immutable strict parallel safe as $$
declare
    place integer := 1;
    cut integer;
begin
    part := 0;
    while place <= length(given) loop
        content := substr(given, place, 12000);
        if place + 12000 <= length(given) then
            cut := 12000 - coalesce(
                nullif(position(' ' in reverse(right(content, 2000))), 0), 1) + 1;
            content := left(content, cut);
        end if;
        start_offset := place - 1;
        part := part + 1;
        place := place + length(content);
        return next;
    end loop;
end $$;

create function search_deletes(word text) returns text[]
language sql immutable strict parallel safe as $$
    select array_agg(distinct left(word, n - 1) || substr(word, n + 1))
    from generate_series(1, length(word) + 1) as n
$$;
comment on function search_deletes is
    'A word, and it without each one of its letters: misspelt ones meet there.';
"""

TABLES = """
create table search_pages (
    attachment_id uuid not null references attachments on delete cascade,
    page integer not null,
    part integer not null,
    item_id uuid not null,
    owner text not null,
    start_offset integer not null,
    words tsvector not null,
    is_learned boolean not null default false,
    primary key (attachment_id, page, part)
);
comment on table search_pages is
    'The words of a page as soon as it is stored; page 0 is title, name and tags.';
-- Packed, each look at a page's words would have to unpack them.
alter table search_pages alter column words set storage external;
-- A long list of what waits to be sorted in would slow every search down.
create index search_pages_words on search_pages using gin (words)
    with (gin_pending_list_limit = 256) where page > 0;
create index search_pages_heads on search_pages using gin (words)
    with (gin_pending_list_limit = 256) where page = 0;
create index search_pages_of_item on search_pages (item_id);
create index search_pages_to_learn on search_pages (attachment_id)
    where not is_learned;

create table search_lexicon (
    owner text not null,
    word text not null,
    pages integer not null,
    near text[] not null generated always as (search_deletes(word)) stored,
    primary key (owner, word)
) with (fillfactor = 50);
create index search_lexicon_near on search_lexicon using gin (near);
comment on table search_lexicon is
    'The words that an owner''s pages hold; the empty word counts the pages.';

create table collections (
    owner text not null,
    name text not null,
    search jsonb,
    created_at timestamptz not null default now(),
    primary key (owner, name)
);
comment on column collections.search is
    'What is looked for each time; null where the items are listed.';
create table collection_items (
    owner text not null,
    name text not null,
    item_id uuid not null references items on delete cascade,
    added_at timestamptz not null default now(),
    primary key (owner, name, item_id),
    foreign key (owner, name) references collections on delete cascade
);
create index collection_items_of_item on collection_items (item_id);
create index items_languages on items (owner, language);
"""

TRIGGERS = """
create function search_index_head(file uuid) returns void language sql as $$
    insert into search_pages
        (attachment_id, page, part, item_id, owner, start_offset, words)
    select a.id, 0, 1, a.item_id, a.owner, 0,
           search_vector(concat_ws(E'\\n', i.title, a.file_name,
                         array_to_string(i.tags, E'\\n')), i.language,
                         array['owner ' || a.owner])
    from attachments a join items i on i.id = a.item_id
    where a.id = file
    on conflict (attachment_id, page, part) do update
        set words = excluded.words, is_learned = false
$$;

create function search_index_page(file uuid, number integer, content text)
returns void language sql as $$
    insert into search_pages
        (attachment_id, page, part, item_id, owner, start_offset, words)
    select a.id, number, p.part, a.item_id, a.owner, p.start_offset,
           search_vector(p.content, i.language, array['owner ' || a.owner])
    from attachments a join items i on i.id = a.item_id,
         search_parts(content) p
    where a.id = file
$$;

create function search_follow_pages() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        delete from search_pages
        where attachment_id = old.attachment_id and page = old.number;
    end if;
    if tg_op <> 'DELETE' then
        perform search_index_page(new.attachment_id, new.number, new.text);
    end if;
    return null;
end $$;
create trigger search_follow_pages_made after insert or delete on attachment_pages
for each row execute function search_follow_pages();
create trigger search_follow_pages_changed after update of text on attachment_pages
for each row when (old.text is distinct from new.text)
execute function search_follow_pages();

create function search_follow_files() returns trigger language plpgsql as $$
begin
    perform search_index_head(new.id);
    return null;
end $$;
create trigger search_follow_files after insert or update of file_name on attachments
for each row execute function search_follow_files();

-- Pages are stored before their language is known: then their stems are added.
create function search_follow_items() returns trigger language plpgsql as $$
begin
    perform search_index_head(id) from attachments where item_id = new.id order by id;
    if search_config(old.language) is distinct from search_config(new.language) then
        update search_pages s
        set words = search_vector(
            substr(p.text, s.start_offset + 1, coalesce((
                select n.start_offset - s.start_offset from search_pages n
                where n.attachment_id = s.attachment_id and n.page = s.page
                  and n.part = s.part + 1), length(p.text))),
            new.language, array['owner ' || s.owner])
        from attachment_pages p
        where s.item_id = new.id and p.attachment_id = s.attachment_id
          and p.number = s.page;
    end if;
    return null;
end $$;
create trigger search_follow_items after update of title, tags, language on items
for each row
when (old.title is distinct from new.title or old.tags is distinct from new.tags
      or old.language is distinct from new.language)
execute function search_follow_items();
"""

BACKFILL = """
select search_index_head(id) from attachments;
select search_index_page(attachment_id, number, text) from attachment_pages
where text <> '';
"""

DOWN = """
drop trigger search_follow_items on items;
drop trigger search_follow_files on attachments;
drop trigger search_follow_pages_made on attachment_pages;
drop trigger search_follow_pages_changed on attachment_pages;
drop function search_follow_items, search_follow_files, search_follow_pages,
    search_index_page, search_index_head;
drop index items_languages;
drop table collection_items, collections, search_lexicon, search_pages;
drop function search_deletes, search_parts, search_vector, search_config,
    search_ibans, search_codes, search_plain, search_fold;
"""


def upgrade() -> None:
    """Make the tables, and fill them from what is there."""
    for statements in (FUNCTIONS, TABLES, TRIGGERS, BACKFILL):
        op.execute(statements)


def downgrade() -> None:
    """Remove them."""
    op.execute(DOWN)
