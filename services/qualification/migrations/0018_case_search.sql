-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The town of the structure and its key, "finess:010000024", where they are known. Null too: of
-- a report that was applied before the columns were there.
alter table case_file
    add column town text,
    add column structure_key text;

-- What cases are found by: their words, and tags that filters ask for. Written by triggers, so
-- that also what the release before this one writes is found.
create table case_search (
    declared_at timestamptz not null,
    case_id uuid not null,
    words tsvector not null,
    tags text[] not null,
    -- The order of lists.
    primary key (declared_at, case_id)
);
-- Searches visit it month after month. Its pending list is short, for every reader scans it.
create index case_search_found on case_search using gin (words, tags)
    with (gin_pending_list_limit = 512);

-- A text in plain letters and digits: the parser of PostgreSQL then sees words and nothing else.
-- The stemmer knows the feminine of a participle by its accent alone: it is written as the
-- masculine.
create function folded(text) returns text language sql immutable as $$
    select regexp_replace(
        regexp_replace(
            replace(replace(
                lower(regexp_replace(
                    normalize(replace(replace($1, 'Œ', 'oe'), 'Æ', 'ae'), nfkd),
                    '[\u0300-\u036f]+', '', 'g'
                )),
                'œ', 'oe'
            ), 'æ', 'ae'),
            '[^a-z0-9]+', ' ', 'g'
        ),
        'ees?\M', 'e', 'g'
    )
$$;

-- The functions below find the tables of this schema whoever writes to them, an operator too.

-- The words of a case: what all who see it read of it in clear, and the number of its
-- structure. No sealed text, no name of a person, no note; and of the structures that see it no
-- other number, or a search would tell who they are. Where the key is not known the structure is
-- the one that sees the case, if it is one alone.
create function case_words(c case_file) returns tsvector language plpgsql stable
set search_path from current as $$
declare
    number text := split_part(c.structure_key, ':', 2);
begin
    if number is null then
        select min(split_part(party, ':', 3)) into number
        from unnest(c.visible_to) as party
        where party ^@ 'structure:'
        having count(*) = 1
            and min(party) similar to 'structure:(finess|siret):%';
    end if;
    return strip(to_tsvector('french', folded(concat_ws(
        ' ', c.reference, c.structure_name, c.town, c.description, c.lessons_learned, number
    ))));
end
$$;

-- Whom a case waits for that is not ended. The structure while it is asked for information. The
-- cell while nobody has taken the case in charge, from a message of the structure until one of
-- the cell or an agency or a request to the structure, and from an answer until that or
-- anything else that an analyst does.
create function case_waits_for(of_case uuid, in_state text) returns text[] language plpgsql stable
set search_path from current as $$
declare
    whom text[] := '{}';
    last_number bigint;
    last_at timestamptz;
begin
    if in_state in ('closed', 'out_of_scope', 'duplicate', 'withdrawn') then
        return whom;
    end if;
    if exists (select from information_request where case_id = of_case and state = 'open') then
        whom := array['declarant'];
    end if;
    if in_state = 'submitted' then
        return whom || 'cell'::text;
    end if;
    select max(number), max(posted_at) into last_number, last_at
    from case_message
    where case_id = of_case and audience = 'structure' and author_role <> 'declarant';
    select greatest(last_at, max(asked_at)) into last_at
    from information_request
    where case_id = of_case;
    if exists (
        select from case_message
        where case_id = of_case and audience = 'structure' and author_role = 'declarant'
            and number > coalesce(last_number, 0)
            and posted_at > coalesce(last_at, '-infinity')
    ) or exists (
        select from information_request as answered
        where case_id = of_case and state = 'answered' and settled_role <> 'analyst'
            and settled_at > coalesce(last_at, '-infinity')
            and not exists (
                select from case_entry
                where case_id = of_case and actor_role = 'analyst' and at > answered.settled_at
            )
            and not exists (
                select from case_measure
                cross join jsonb_array_elements(steps) as step
                where case_id = of_case
                    and step ->> 'role' = 'analyst'
                    and (step ->> 'at')::timestamptz > answered.settled_at
            )
            and not exists (
                select from care_consequence
                where case_id = of_case
                    and author_role = 'analyst'
                    and changed_at > answered.settled_at
            )
            and not exists (
                select from accompaniment
                where case_id = of_case
                    and actor_role = 'analyst'
                    and changed_at > answered.settled_at
            )
    ) then
        whom := whom || 'cell'::text;
    end if;
    return case when whom = '{}' then array['nobody'] else whom end;
end
$$;

-- What filters ask for. The judgement is the confirmed one, else the proposed one; of the
-- severity the gravest that holds.
create function case_tags(c case_file) returns text[] language plpgsql stable
set search_path from current as $$
declare
    triage jsonb := coalesce(c.confirmed, c.proposed);
    tag text;
    tags text[] := array_remove(
        array[
            'month:' || to_char(c.declared_at at time zone 'utc', 'YYYY-MM'),
            'state:' || c.state,
            'region:' || c.routing_region,
            'kind:' || c.kind,
            'origin:' || (triage ->> 'origin'),
            'severity:' || case
                when (triage #>> '{severity,major}')::boolean then 'major'
                when (triage #>> '{severity,significant}')::boolean then 'significant'
                when (triage #>> '{severity,serious}')::boolean then 'serious'
                else 'ordinary'
            end,
            case when c.major then 'major' end,
            'assignee:' || c.assignee,
            case
                when c.state not in ('closed', 'out_of_scope', 'duplicate', 'withdrawn')
                    then 'open'
            end
        ],
        null
    );
begin
    foreach tag in array c.visible_to loop
        tags := tags || ('party:' || tag);
    end loop;
    foreach tag in array case_waits_for(c.case_id, c.state) loop
        tags := tags || ('waits:' || tag);
    end loop;
    return tags;
end
$$;

-- Writes anew what a case is found by, where that changed.
create function find_case_by(c case_file) returns void language sql
set search_path from current as $$
    insert into case_search as known (declared_at, case_id, words, tags)
    values (c.declared_at, c.case_id, case_words(c), case_tags(c))
    on conflict (declared_at, case_id) do update
    set words = excluded.words, tags = excluded.tags
    where (known.words, known.tags) is distinct from (excluded.words, excluded.tags)
$$;

-- Of many cases that open at once, in one statement.
create function follow_opened_cases() returns trigger language plpgsql
set search_path from current as $$
begin
    insert into case_search (declared_at, case_id, words, tags)
    select c.declared_at, c.case_id, case_words(c), case_tags(c)
    from opened
    join case_file as c on c.case_id = opened.case_id;
    return null;
end
$$;
create trigger case_file_opened after insert on case_file
referencing new table as opened
for each statement execute function follow_opened_cases();

create function follow_changed_case() returns trigger language plpgsql
set search_path from current as $$
begin
    perform find_case_by(new);
    return null;
end
$$;
create trigger case_file_changed after update of
structure_name, structure_key, town, routing_region, description, proposed, state, confirmed, major, assignee,
visible_to, lessons_learned, kind
on case_file
for each row when ((
    old.structure_name, old.structure_key, old.town, old.routing_region, old.description,
    old.proposed, old.state, old.confirmed, old.major, old.assignee, old.visible_to,
    old.lessons_learned, old.kind
) is distinct from (
    new.structure_name, new.structure_key, new.town, new.routing_region, new.description,
    new.proposed, new.state, new.confirmed, new.major, new.assignee, new.visible_to,
    new.lessons_learned, new.kind
))
execute function follow_changed_case();

-- Whom it waits for changes with what is said and asked on it, and with what an analyst does: its
-- tags, and none of its words. What cannot be found yet may be written by another just now.
create function follow_case_of_row() returns trigger language plpgsql
set search_path from current as $$
declare
    c case_file;
begin
    select * into strict c from case_file where case_id = new.case_id;
    update case_search as known
    set tags = case_tags(c)
    where known.declared_at = c.declared_at
        and known.case_id = c.case_id
        and known.tags is distinct from case_tags(c);
    if not found and not exists (
        select from case_search as known
        where known.declared_at = c.declared_at and known.case_id = c.case_id
    ) then
        perform find_case_by(c);
    end if;
    return null;
end
$$;
create trigger case_message_posted after insert on case_message
for each row when (new.audience = 'structure') execute function follow_case_of_row();
create trigger information_request_changed after insert or update on information_request
for each row execute function follow_case_of_row();
create trigger case_entry_added after insert on case_entry
for each row when (new.actor_role = 'analyst') execute function follow_case_of_row();
create trigger case_measure_changed after insert or update on case_measure
for each row when (new.steps -> -1 ->> 'role' = 'analyst') execute function follow_case_of_row();
create trigger care_consequence_changed after insert or update on care_consequence
for each row when (new.author_role = 'analyst') execute function follow_case_of_row();
create trigger accompaniment_changed after insert or update on accompaniment
for each row when (new.actor_role = 'analyst') execute function follow_case_of_row();
