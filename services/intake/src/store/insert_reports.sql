insert into report (
    report_id, reference, author, request_hash, receipt, facts, kind, sealed_contacts, wrapped_key,
    structure_key, structure_name, structure_kind, department, town, operator_status, link_verified,
    routing_region, visible_to, channel, received_at, declared_at
)
select new.report_id, new.reference, new.author, new.request_hash, new.receipt, new.facts,
       new.facts ->> 'kind', new.sealed_contacts, new.wrapped_key, new.structure_key,
       new.structure_name, new.structure_kind, new.department, new.town, new.operator_status,
       new.link_verified, new.routing_region,
       array(select jsonb_array_elements_text(new.visible_to)), new.channel, new.received_at,
       new.declared_at
from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::jsonb[], $7::bytea[],
    $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::boolean[], $16::text[], $17::jsonb[], $18::text[], $19::timestamptz[], $20::timestamptz[]
) as new (
    report_id, reference, author, request_hash, receipt, facts, sealed_contacts, wrapped_key,
    structure_key, structure_name, structure_kind, department, town, operator_status,
    link_verified, routing_region, visible_to, channel, received_at, declared_at
)
on conflict (report_id) do nothing
returning report_id
