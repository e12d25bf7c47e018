update fact
set month = learned.month,
    region = learned.region,
    structure_kind = learned.structure_kind,
    structure_id = learned.structure_id,
    report_kind = learned.report_kind,
    assistance_requested = learned.assistance_requested,
    case_revision = learned.case_revision,
    case_state = learned.case_state,
    qualified = learned.qualified,
    origin = learned.origin,
    origin_types = learned.origin_types,
    data_impacts = learned.data_impacts,
    care_impact = learned.care_impact,
    patient_endangerment = learned.patient_endangerment,
    serious = learned.serious,
    significant = learned.significant,
    major = learned.major,
    withdrawn = learned.withdrawn,
    standing = learned.standing
from jsonb_to_recordset($1::jsonb) as learned (
    report_id uuid, month date, region text, structure_kind text,
    structure_id uuid, report_kind text, assistance_requested boolean,
    case_revision bigint, case_state text, qualified boolean, origin text,
    origin_types text[], data_impacts text[], care_impact text,
    patient_endangerment text, serious boolean, significant boolean,
    major boolean, withdrawn boolean, standing text
)
where fact.report_id = learned.report_id
