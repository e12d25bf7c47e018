-- What clients and receivers saw, beside the tables of the services.
create temp table asked (request_key uuid);
create temp table acknowledged (request_id uuid, report_id uuid, reference text);
create temp table acted (report_id uuid, action text);
create temp table undone (reference text);
create temp table rejoined (producer text, at timestamptz);
create temp table saying (words text);
create temp table said (reference text, kind text, item text, words text);
create temp table refused (words text);
create temp table shown (reference text, kind text, item text, words text);
create temp table mail (delivery_id uuid, copies integer, undone integer);
create temp view message as
select job_id as delivery_id, kind, subject, attempts, payload,
    case when due_at is null then 'dead' else 'pending' end as state
from notification.job
union all
select job_id, kind, subject, attempts, payload, 'sent' from notification.job_done
union all
-- What the release before sent.
select delivery_id, 'mail/' || occasion, 'report/' || report_id, attempts,
    jsonb_build_object('rule', rule, 'recipient', recipient,
        'mailbox', mailbox, 'summary', situation),
    state
from notification.delivery
left join notification.situation using (situation_id);

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
inner join qualification.case_file as c on said.case_id = c.case_id;
