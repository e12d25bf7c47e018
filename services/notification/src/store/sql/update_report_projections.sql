update known_report
set situation = new.situation,
    back_dated = new.back_dated,
    test = new.test,
    sealed_contacts = new.sealed_contacts,
    data_key = new.data_key,
    told = new.told,
    case_id = new.case_id,
    case_revision = new.case_revision,
    major = new.major,
    awaiting_closing = new.awaiting_closing
from unnest(
         $1::uuid[], $2::jsonb[], $3::boolean[], $4::boolean[], $5::bytea[], $6::bytea[],
         $7::jsonb[], $8::uuid[], $9::bigint[], $10::boolean[], $11::uuid[]
     ) as new (
         report_id, situation, back_dated, test, sealed_contacts, data_key,
         told, case_id, case_revision, major, awaiting_closing
     )
where known_report.report_id = new.report_id
