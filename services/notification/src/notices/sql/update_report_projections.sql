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
    awaiting_closing = new.awaiting_closing,
    awaiting_messages = new.awaiting_messages,
    awaiting_due = new.awaiting_due,
    report_revision = new.report_revision,
    qualified = new.qualified
from jsonb_populate_recordset(null::known_report, $1) as new
where known_report.report_id = new.report_id
