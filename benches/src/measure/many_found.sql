-- What these cases are found by, as the triggers write it.
insert into case_search (declared_at, case_id, words, tags)
select declared_at, case_id, case_words(case_file), case_tags(case_file)
from case_file
where declared_at <= timestamptz '2026-11-01 00:00+00' - $1::bigint * interval '1 minute'
    and declared_at >= timestamptz '2026-11-01 00:00+00' - $2::bigint * interval '1 minute'
