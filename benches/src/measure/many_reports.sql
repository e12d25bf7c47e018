-- A report for each of these references, like the last one but without its contacts,
-- which open for that one alone; one a minute, into the past.
insert into intake.report (
    report_id, request_key, reference, author, request_hash, receipt, facts, kind,
    sealed_contacts, wrapped_key, structure_key, structure_name, structure_kind, department, town, operator_status, link_verified,
    routing_region, visible_to, channel, received_at, declared_at
)
select
    gen_random_uuid(), gen_random_uuid(), new.reference, r.author, r.request_hash, r.receipt,
    r.facts, r.kind, null, null, r.structure_key, r.structure_name, r.structure_kind,
    r.department, r.town, r.operator_status, r.link_verified, r.routing_region, r.visible_to,
    r.channel, r.received_at, r.declared_at - new.number * interval '1 minute'
from (select * from intake.report order by received_at desc limit 1) as r
cross join unnest($1::text[]) with ordinality as new (reference, number)
