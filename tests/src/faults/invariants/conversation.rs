//! What must hold of what was said of reports: amendments, timelines, messages, requests for
//! information, measures and escalations.

use super::Invariant;

/// Beside the tables of the others: `saying` (`words`) is what anybody was about to say,
/// `said` (`reference`, `kind`, `item`, `words`) what was taken and not undone, `refused`
/// (`words`) what was refused, and `shown` (as `said`) what the services show of everything
/// that the books have (`conversation`: `reference`, `kind`, `item`). All words differ.
pub(in crate::faults) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "said-kept",
        claim: "what was acknowledged of a conversation is there once, and says what was said",
        offenders: "
            select
                s.kind || ' ' || s.item,
                case when count(c.item) = 0 then 'lost' else 'twice' end
            from said as s
            left join conversation as c
                on s.reference = c.reference and s.kind = c.kind and s.item = c.item
            group by s.kind, s.item, s.words
            having count(c.item) <> 1
            union all
            select
                s.kind || ' ' || s.item || ': ' || s.words,
                case count(w.item) when 0 then 'lost' when 1 then 'wrong' else 'twice' end
            from said as s
            left join shown as w
                on s.reference = w.reference and s.kind = w.kind and s.words = w.words
            group by s.kind, s.item, s.words
            having count(w.item) <> 1 or min(w.item) <> s.item",
        violation: "
            update shown set words = 'something else'
            where item = (select item from said where kind = 'answer' limit 1)",
    },
    Invariant {
        name: "nothing-unsaid",
        claim: "nothing is there that nobody said, or that was refused, and all of it is shown",
        offenders: "
            select w.kind || ' ' || w.item || ': ' || w.words, 'wrong'
            from shown as w
            where w.words <> w.item
                and not exists (select from saying as s where s.words = w.words)
            union all
            select w.kind || ' ' || w.item || ': ' || w.words, 'wrong'
            from shown as w
            inner join refused as f on w.words = f.words
            union all
            select 'amendment: ' || f.words, 'wrong'
            from refused as f
            inner join intake.declared_revision as d on f.words = d.facts ->> 'description'
            union all
            select
                coalesce(c.kind, w.kind) || ' ' || coalesce(c.item, w.item),
                case when w.item is null then 'lost' else 'wrong' end
            from conversation as c
            full join shown as w
                on c.reference = w.reference and c.kind = w.kind and c.item = w.item
            where c.item is null or w.item is null",
        violation: "
            insert into refused
            select words from said where kind = 'message' limit 1",
    },
    Invariant {
        name: "numbered",
        claim: "revisions of reports and cases, and all that is numbered on them, have no gap",
        offenders: "
            with numbered (what, whose, number) as (
                select 'revision of report', report_id, declared_revision
                from intake.declared_revision
                union all
                select 'entry of timeline', report_id, number from intake.timeline_entry
                union all
                select 'revision of case', case_id, revision from qualification.case_entry
                union all
                select 'message', case_id, number from qualification.case_message
                union all
                select 'question', case_id, number from qualification.information_request
                union all
                select 'measure', case_id, number from qualification.case_measure
                union all
                select 'escalation', case_id, number from qualification.escalation
            )
            select what || ' ' || whose, 'lost'
            from numbered
            group by what, whose
            having min(number) <> 1 or max(number) <> count(*)",
        violation: "
            delete from intake.report_revision
            where report_id = (select report_id from intake.report_revision limit 1)",
    },
    Invariant {
        name: "amended-everywhere",
        claim: "every amendment is announced once, and everybody knows what a report says now",
        offenders: "
            with announced as (
                select subject, count(*) as amendments
                from intake.event
                where event_type = 'vigie.report.amended.v1'
                group by subject
            ),
            base as (
                select coalesce(
                    extract(epoch from date_trunc('second', reincarnated_at))::bigint, 0
                ) as revision
                from intake.eventlog_meta
            )
            select
                r.reference || ' announced',
                case
                    when coalesce(a.amendments, 0) < coalesce(r.declared_revision, 1) - 1 then 'lost'
                    else 'twice'
                end
            from intake.report as r
            left join announced as a on 'report/' || r.report_id = a.subject
            where coalesce(a.amendments, 0) <> coalesce(r.declared_revision, 1) - 1
            union all
            select r.reference || ' known to ' || known.consumer, 'lost'
            from intake.report as r
            cross join base
            inner join (
                select 'qualification' as consumer, report_id, report_revision
                from qualification.case_file
                union all
                select 'notification', report_id, report_revision from notification.known_report
                union all
                select 'statistics', report_id, report_revision
                from statistics.fact_version where known_until is null
            ) as known on r.report_id = known.report_id
            where coalesce(known.report_revision, 1)
                <> coalesce(r.declared_revision, 1) + base.revision
            union all
            select r.reference || ' said to the cell', 'wrong'
            from intake.report as r
            inner join qualification.case_file as c on r.report_id = c.report_id
            where c.description is distinct from r.facts ->> 'description'",
        violation: "
            update qualification.case_file set description = 'something else'
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "activity-announced",
        claim: "every message, entry, request, answer, step and call is announced once",
        offenders: "
            with happened (subject, times) as (
                select 'message/' || message_id, 1 from qualification.case_message
                union all
                select
                    'activity/' || information_request_id,
                    case state when 'answered' then 2 else 1 end
                from qualification.information_request
                union all
                select 'activity/' || measure_id, jsonb_array_length(steps)
                from qualification.case_measure
                union all
                select 'activity/' || entry_id, 1 from intake.timeline_entry
                union all
                select 'escalation/' || escalation_id, count(*)
                from qualification.escalation_call group by escalation_id
            ),
            announced as (
                select subject, count(*) as times
                from (
                    select subject from intake.event
                    union all
                    select subject from qualification.event
                ) as event
                where subject like any (array['message/%', 'activity/%', 'escalation/%'])
                group by subject
            )
            select
                coalesce(h.subject, a.subject),
                case when coalesce(a.times, 0) < h.times then 'lost' else 'twice' end
            from happened as h
            full join announced as a on h.subject = a.subject
            where h.times is distinct from a.times",
        violation: "
            update qualification.event set subject = 'lost'
            where subject = (
                select 'activity/' || measure_id from qualification.case_measure limit 1)",
    },
    Invariant {
        name: "activity-told",
        claim: "who must be written to about an activity is, once for each of them",
        offenders: "
            with event as (
                select
                    e.subject,
                    row_number() over (partition by e.subject order by e.position) as number,
                    coalesce(
                        e.recorded_at < coalesce(
                            (select at from rejoined where producer = 'qualification'),
                            m.reincarnated_at),
                        false) as excused
                from qualification.event as e
                cross join qualification.eventlog_meta as m
                where e.subject like any (array['message/%', 'activity/%', 'escalation/%'])
            ),
            owed as (
                select
                    m.case_id,
                    'mail/message'
                    || case m.author_role when 'declarant' then '_of_structure' else '' end as kind,
                    e.excused
                from event as e
                inner join qualification.case_message as m on e.subject = 'message/' || m.message_id
                where m.audience = 'structure'
                union all
                select
                    q.case_id,
                    case e.number
                        when 1 then 'mail/information_requested'
                        else 'mail/information_answered_of_structure'
                    end,
                    e.excused
                from event as e
                inner join qualification.information_request as q
                    on e.subject = 'activity/' || q.information_request_id
                union all
                select
                    m.case_id,
                    case m.steps -> (e.number - 1)::integer ->> 'state'
                        when 'proposed' then 'mail/measure_proposed'
                        else 'mail/measure_done_of_structure'
                    end,
                    e.excused
                from event as e
                inner join qualification.case_measure as m
                    on e.subject = 'activity/' || m.measure_id
                where m.steps -> (e.number - 1)::integer ->> 'state' in ('proposed', 'done')
                union all
                select x.case_id, 'mail/escalation', e.excused
                from event as e
                inner join qualification.escalation as x
                    on e.subject = 'escalation/' || x.escalation_id
            ),
            expected as (
                select
                    'report/' || c.report_id as subject,
                    o.kind,
                    count(*) filter (where not o.excused) as least,
                    count(*) as most
                from owed as o
                inner join qualification.case_file as c on o.case_id = c.case_id
                group by c.report_id, o.kind
            ),
            written as (
                select subject, kind, count(*) as mails
                from message
                where payload ->> 'rule' in ('message', 'activity', 'escalation')
                group by subject, kind
            )
            select
                coalesce(x.subject, w.subject) || ' ' || coalesce(x.kind, w.kind),
                case when coalesce(w.mails, 0) < x.least then 'lost' else 'twice' end
            from expected as x
            full join written as w on x.subject = w.subject and x.kind = w.kind
            where coalesce(w.mails, 0) not between coalesce(x.least, 0) and coalesce(x.most, 0)",
        violation: "
            update notification.job_done set kind = 'mail/message_of_structure'
            where job_id = (
                select job_id from notification.job_done
                where kind = 'mail/measure_done_of_structure' limit 1)",
    },
];
