insert into case_file (
    case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test, proposed,
    sealed_personal_data, data_key, revision, state, changed_at, major, visible_to
)
select
    opened.case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test, proposed,
    sealed_personal_data, data_key, revision, state, changed_at, false,
    -- A column of arrays does not unnest: each comes as one JSON array.
    array(select jsonb_array_elements_text(opened.visible_to))
from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::boolean[], $12::boolean[], $13::jsonb[],
    $14::bytea[], $15::bytea[], $16::bigint[], $17::text[], $18::timestamptz[], $19::jsonb[]
) as opened (
    case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test, proposed,
    sealed_personal_data, data_key, revision, state, changed_at, visible_to
)
on conflict do nothing
