-- The directory of structures.
create table structure (
    finess text primary key,
    legal_entity_finess text,
    siret text,
    name text not null,
    kind text not null,
    category_code text,
    region text not null,
    department text not null,
    town text,
    operator_status text,
    -- The name in lower case without accents: the order of a search.
    sort_name text collate "C" not null,
    -- The words of name, town and FINESS in the same form.
    search_words tsvector not null,
    -- Counts the changes; consumers keep the greatest.
    revision bigint not null default 1 check (revision > 0),
    recorded_at timestamptz not null
);
create index structure_legal_entity_idx on structure (legal_entity_finess, finess)
    where legal_entity_finess is not null;
create index structure_siret_idx on structure (siret, finess) where siret is not null;
create index structure_search_idx on structure using gin (search_words);
create index structure_sort_idx on structure (sort_name, finess);

-- Numbers behind the references for people. A program takes a block of 1,000
-- and loses what it has not used: gaps are fine, a number twice is not.
create sequence report_number increment by 1000 minvalue 0 start 0 maxvalue 1073740000 no cycle;

-- The reports, with what is filtered or routed in columns of its own.
create table report (
    -- Derived from the author and his request, so that a retry meets this row.
    report_id uuid primary key,
    reference text not null constraint report_reference_key unique,
    author text not null,
    -- Of the parsed request: the same request_id with another content is refused.
    request_hash bytea not null,
    -- The answer to the author, as he got it: a retry gets the same.
    receipt bytea not null,
    -- What was declared, without any person.
    facts jsonb not null,
    kind text not null,
    -- The declarant, under the report's own key; both null once erased.
    sealed_contacts bytea,
    wrapped_key bytea,
    structure_key text not null,
    structure_name text not null,
    structure_kind text,
    department text,
    town text,
    operator_status text,
    link_verified boolean not null,
    routing_region text not null,
    -- Party slugs, matched with those of a caller.
    visible_to text[] not null check (cardinality(visible_to) > 0),
    channel text not null check (channel in ('declarant', 'agency', 'import', 'probe')),
    received_at timestamptz not null,
    declared_at timestamptz not null check (declared_at <= received_at),
    withdrawn_at timestamptz,
    withdrawal_reason text,
    -- Counts the report's own changes: its etag.
    revision bigint not null default 1 check (revision > 0),
    -- Where the treatment stands, as told by the log of cases.
    case_id uuid,
    case_state text,
    case_revision bigint,
    check ((sealed_contacts is null) = (wrapped_key is null)),
    check ((withdrawn_at is null) = (withdrawal_reason is null)),
    check ((case_id is null) = (case_revision is null))
);
create index report_visible_idx on report using gin (visible_to);
create index report_declared_idx on report (declared_at desc, report_id desc);
create index report_region_idx on report (routing_region, declared_at desc, report_id desc);
create index report_withdrawn_idx on report (declared_at desc, report_id desc)
    where withdrawn_at is not null;
