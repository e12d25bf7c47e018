-- One report, with the values of one that intake took. Like intake's, its id is above those
-- before it: `place` goes on with each insert of a client.
\set place :place + 1000
\set id :place + :client_id
\set number random(0, 9000000000000000)
insert into report (
    report_id, request_key, reference, author, request_hash, receipt, facts, kind,
    sealed_contacts, wrapped_key, structure_key, structure_name, structure_kind, department, town,
    operator_status, link_verified, routing_region, visible_to, channel, received_at, declared_at
)
values (
    lpad(:id::text, 32, '0')::uuid, gen_random_uuid(),
    'SIG-2026-' || :number::text, :author, :request_hash::bytea, :receipt::bytea, :facts::jsonb,
    :kind, :sealed_contacts::bytea, :wrapped_key::bytea, :structure_key, :structure_key, null,
    :department, null, null, false, :routing_region, :visible_to::text[], :channel, now(), now()
)
