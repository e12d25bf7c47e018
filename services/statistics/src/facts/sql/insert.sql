insert into fact_version (
    report_id, known_from, known_until, declared_on, region, structure_kind,
    structure_id, report_kind, assistance_requested, case_revision, case_state,
    qualified, origin, origin_types, data_impacts, care_impact,
    patient_endangerment, serious, significant, major, withdrawn, standing
)
select
    report_id, known_from, known_until, declared_on, region, structure_kind,
    structure_id, report_kind, assistance_requested, case_revision, case_state,
    qualified, origin, origin_types, data_impacts, care_impact,
    patient_endangerment, serious, significant, major, withdrawn, standing
from jsonb_populate_recordset(null::fact_version, $1)
