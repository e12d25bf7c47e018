-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- A measure (mesure) on a case. Its texts are sealed under the key of the report's personal
-- data and unreadable once that key is erased.
create table case_measure (
    case_id uuid not null references case_file,
    number bigint not null constraint case_measure_number_positive check (number > 0),
    measure_id uuid not null,
    kind text,
    -- The entry of the catalogue that was copied, and the edition.
    catalogue_code text,
    catalogue_version text,
    -- What became of it: state, moment and actor of each step. The last one tells where it
    -- stands.
    steps jsonb not null constraint case_measure_begun check (jsonb_array_length(steps) > 0),
    sealed_request bytea,
    sealed_title bytea,
    sealed_text bytea,
    sealed_reason bytea,
    primary key (case_id, number),
    constraint case_measure_copy_whole
        check ((catalogue_code is null) = (catalogue_version is null)),
    constraint case_measure_proposal_whole check ((sealed_title is null) = (sealed_text is null))
);
