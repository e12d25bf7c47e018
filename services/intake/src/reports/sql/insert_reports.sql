-- What is long goes beside the documents of the rows: read as JSON, it would double what a
-- row costs.
insert into report (
    report_id, request_key, reference, author, structure_key, structure_name, structure_kind,
    department, town, operator_status, link_verified, routing_region, visible_to, channel,
    received_at, declared_at, revision, request_hash, receipt, facts, sealed_contacts,
    wrapped_key, cause_report_id, medium, kind
)
select
    report_id, request_key, reference, author, structure_key, structure_name, structure_kind,
    department, town, operator_status, link_verified, routing_region, visible_to, channel,
    received_at, declared_at, revision, request_hash, receipt, facts, sealed_contacts,
    wrapped_key, cause_report_id, medium, facts ->> 'kind'
from rows from (
    jsonb_to_recordset($1::jsonb) as (
        report_id uuid, request_key uuid, reference text, author text, structure_key text,
        structure_name text, structure_kind text, department text, town text, operator_status text,
        link_verified boolean, routing_region text, visible_to text[], channel text,
        received_at timestamptz, declared_at timestamptz, revision bigint, cause_report_id uuid,
        medium text
    ),
    unnest($2::bytea[], $3::bytea[], $4::jsonb[], $5::bytea[], $6::bytea[])
) as new (
    report_id, request_key, reference, author, structure_key, structure_name, structure_kind,
    department, town, operator_status, link_verified, routing_region, visible_to, channel,
    received_at, declared_at, revision, cause_report_id, medium, request_hash, receipt, facts,
    sealed_contacts, wrapped_key
)
on conflict do nothing
returning report_id
