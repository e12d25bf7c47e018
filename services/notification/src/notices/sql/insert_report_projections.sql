insert into known_report (
    report_id, situation, back_dated, test, sealed_contacts, data_key, told, case_id,
    case_revision, major, awaiting_closing, awaiting_messages, awaiting_due, report_revision, qualified
)
select report_id, situation, back_dated, test, sealed_contacts, data_key, told, case_id,
       case_revision, major, awaiting_closing, awaiting_messages, awaiting_due, report_revision, qualified
from jsonb_populate_recordset(null::known_report, $1)
order by report_id
on conflict do nothing
returning report_id
