update case_file
set structure_name = new.structure_name,
    structure_kind = new.structure_kind,
    routing_region = new.routing_region,
    description = new.description,
    assistance_requested = new.assistance_requested,
    proposed = new.proposed,
    sealed_personal_data = new.sealed_personal_data,
    data_key = new.data_key,
    report_revision = new.report_revision,
    cause_reference = new.cause_reference,
    town = new.town,
    structure_key = new.structure_key,
    declarant_link = new.declarant_link
from jsonb_populate_record(null::case_file, $1) as new
where case_file.case_id = new.case_id
