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

-- The words of a case: what all who see it read of it in clear, and the numbers of its
-- structure. No sealed text, no name of a person, no note.
create function case_words(c case_file) returns tsvector language plpgsql stable as $$
declare
    party text;
    numbers text := split_part(c.structure_key, ':', 2);
begin
    foreach party in array c.visible_to loop
        if party ^@ 'structure:finess:' or party ^@ 'structure:siret:' then
            numbers := concat_ws(' ', numbers, split_part(party, ':', 3));
        end if;
    end loop;
    return strip(to_tsvector('french', folded(concat_ws(
        ' ', c.reference, c.structure_name, c.town, c.description, c.lessons_learned, numbers
    ))));
end
$$;

-- Whom a case waits for that is not ended. The structure while it is asked for information. The
-- cell while nobody has taken the case in charge, from a message of the structure until one of
-- the cell or an agency or a request to the structure, and from an answer until that or
-- anything else that an analyst does.
create function case_waits_for(of_case uuid, in_state text) returns text[] language plpgsql stable
as $$
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
    ) then
        whom := whom || 'cell'::text;
    end if;
    return case when whom = '{}' then array['nobody'] else whom end;
end
$$;

-- What filters ask for. The judgement is the confirmed one, else the proposed one; of the
-- severity the gravest that holds.
create function case_tags(c case_file) returns text[] language plpgsql stable as $$
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
create function find_case_by(c case_file) returns void language sql as $$
    insert into case_search as known (declared_at, case_id, words, tags)
    values (c.declared_at, c.case_id, case_words(c), case_tags(c))
    on conflict (declared_at, case_id) do update
    set words = excluded.words, tags = excluded.tags
    where (known.words, known.tags) is distinct from (excluded.words, excluded.tags)
$$;

-- Of many cases that open at once, in one statement.
create function follow_opened_cases() returns trigger language plpgsql as $$
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

create function follow_changed_case() returns trigger language plpgsql as $$
begin
    perform find_case_by(new);
    return null;
end
$$;
create trigger case_file_changed after update of
structure_name, structure_key, town, routing_region, description, proposed, state, confirmed, major, assignee,
visible_to, lessons_learned, answer_due_at
on case_file
for each row execute function follow_changed_case();

-- Whom it waits for changes with what is said and asked on it, and with what an analyst does.
create function follow_case_of_row() returns trigger language plpgsql as $$
begin
    perform find_case_by(c) from case_file as c where c.case_id = new.case_id;
    return null;
end
$$;
create trigger case_message_posted after insert on case_message
for each row when (new.audience = 'structure') execute function follow_case_of_row();
create trigger information_request_changed after insert or update on information_request
for each row execute function follow_case_of_row();
create trigger case_entry_added after insert on case_entry
for each row when (new.actor_role = 'analyst') execute function follow_case_of_row();
