-- What was said of reports, whether the books tell the words or not: its kind and its id, as
-- the ledger has them.
create temp view conversation as
select
    r.reference,
    'amendment' as kind,
    r.reference || '/' || d.declared_revision as item
from intake.declared_revision as d
inner join intake.report as r on d.report_id = r.report_id
where d.declared_revision > 1
union all
select r.reference, 'timeline', t.entry_id::text
from intake.timeline_entry as t
inner join intake.report as r on t.report_id = r.report_id
union all
select c.reference, said.kind, said.item
from (
    select case_id, 'message' as kind, message_id::text as item
    from qualification.case_message
    union all
    select case_id, 'question', information_request_id::text
    from qualification.information_request
    union all
    select case_id, 'answer', information_request_id::text
    from qualification.information_request where state = 'answered'
    union all
    select m.case_id, 'measure_' || (s.step ->> 'state'), m.measure_id::text
    from qualification.case_measure as m
    cross join jsonb_array_elements(m.steps) as s (step)
    union all
    select case_id, 'acknowledgement', escalation_id::text
    from qualification.escalation where state = 'acknowledged'
) as said
inner join qualification.case_file as c on said.case_id = c.case_id
