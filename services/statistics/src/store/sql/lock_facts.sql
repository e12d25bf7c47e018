-- Locks the facts in the order of their ids and makes those that are missing,
-- so that two transactions that meet wait for each other and never deadlock.
insert into fact as known (report_id)
select report_id from unnest($1::uuid[]) as wanted (report_id)
on conflict (report_id) do update set report_id = known.report_id
returning
    report_id, month, region, structure_kind, structure_id, report_kind,
    assistance_requested, case_revision, case_state, qualified, origin,
    origin_types, data_impacts, care_impact, patient_endangerment, serious,
    significant, major, withdrawn
