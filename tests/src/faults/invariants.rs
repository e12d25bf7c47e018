//! What must hold in the books of the suite once it is calm.

mod conversation;

/// A claim about the stored rows of all services.
pub(super) struct Invariant {
    /// Its name in results.
    pub(super) name: &'static str,
    /// The claim.
    pub(super) claim: &'static str,
    /// Names whatever breaks it, and whether it is `lost`, there `twice` or `wrong`.
    pub(super) offenders: &'static str,
    /// Breaks it, to prove that the query would tell.
    pub(super) violation: &'static str,
}

/// All invariants.
pub(super) fn invariants() -> impl Iterator<Item = &'static Invariant> {
    INVARIANTS.iter().chain(conversation::INVARIANTS)
}

/// Those of reports, cases, notices and facts. The tables `asked` (`request_key`),
/// `acknowledged` (`request_id`, `report_id`, `reference`), `acted` (`report_id`, `action`) and
/// `mail` (`delivery_id`, `copies`) are what clients and receivers saw. After a restore, announced revisions count on from its
/// second; notification starts over from how cases stand, so of the changes of a case
/// that were not told before it had done so (`rejoined`, `producer`, `at`) only the last one
/// is, and activities until then are not.
/// What a restore undid is apart: `undone` (`reference`) and the copies of mails that
/// arrived meanwhile.
const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "stored",
        claim: "what was acknowledged is stored, under the reference of its receipt",
        offenders: "
            select a.reference, case when r.report_id is null then 'lost' else 'wrong' end
            from acknowledged as a
            left join intake.report as r on a.report_id = r.report_id
            where r.reference is distinct from a.reference",
        violation: "
            update intake.report set reference = 'lost'
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "one-per-request",
        claim: "there is one report a request, and nothing that nobody sent",
        offenders: "
            select r.reference, 'twice'
            from intake.report as r
            left join asked as a on coalesce(r.request_key, r.report_id) = a.request_key
            where a.request_key is null
            union all
            select request_id::text, 'twice'
            from acknowledged group by request_id having count(*) > 1
            union all
            select report_id::text, 'wrong'
            from acknowledged group by report_id having count(*) > 1",
        violation: "
            delete from asked
            where request_key = (
                select coalesce(request_key, report_id) from intake.report limit 1
            )",
    },
    Invariant {
        name: "one-per-reference",
        claim: "no reference is given to two reports, nor one that a restore undid",
        offenders: "
            select reference, 'twice'
            from (
                select reference from acknowledged
                union all
                select reference from undone
            ) as given
            group by reference having count(*) > 1",
        violation: "insert into undone select reference from acknowledged limit 1",
    },
    Invariant {
        name: "audited",
        claim: "every report has its entry in the audit trail",
        offenders: "
            select r.reference, 'lost'
            from intake.report as r
            where not exists (
                select from intake.audit_entry
                where object = 'report/' || r.report_id
                    and action = 'report.submit'
                    and outcome = 'done'
                    and detail ->> 'repeated' = 'false'
            )",
        violation: "
            delete from intake.audit_entry
            where object = (select 'report/' || report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "announced",
        claim: "every report is announced once",
        offenders: "
            select
                coalesce(r.reference, e.subject),
                case
                    when r.report_id is null then 'wrong'
                    when e.announced is null then 'lost'
                    else 'twice'
                end
            from intake.report as r
            full join (
                select subject, count(*) as announced
                from intake.event
                where event_type = 'vigie.report.submitted.v1'
                group by subject
            ) as e on 'report/' || r.report_id = e.subject
            where r.report_id is null or e.announced is distinct from 1",
        violation: "
            update intake.event set event_type = 'lost'
            where subject = (select 'report/' || report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "log-whole",
        claim: "the positions of a log have no gap, and no event is in it twice",
        offenders: "
            with log as (
                select 'intake' as name, shard, position, event_id from intake.event
                union all
                select 'qualification', shard, position, event_id from qualification.event
                union all
                select 'notification', shard, position, event_id from notification.event
            ),
            head as (
                select 'intake' as name, shard, position from intake.eventlog_head
                union all
                select 'qualification', shard, position from qualification.eventlog_head
                union all
                select 'notification', shard, position from notification.eventlog_head
            )
            select
                h.name || '/' || h.shard,
                case
                    when count(distinct l.event_id) < count(l.position) then 'twice'
                    when count(l.position) < h.position then 'lost'
                    else 'wrong'
                end
            from head as h
            left join log as l on h.name = l.name and h.shard = l.shard
            group by h.name, h.shard, h.position
            having count(l.position) <> h.position
                or coalesce(max(l.position), 0) <> h.position
                or coalesce(min(l.position), 1) <> 1
                or count(distinct l.event_id) <> h.position",
        violation: "
            update notification.event set event_id = (select event_id from notification.event limit 1)
            where subject = (select 'report/' || report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "one-case",
        claim: "every report has exactly one case, under its reference",
        offenders: "
            select
                coalesce(r.reference, c.reference),
                case when c.case_id is null then 'lost' else 'wrong' end
            from intake.report as r
            full join qualification.case_file as c on r.report_id = c.report_id
            where r.reference is distinct from c.reference",
        violation: "
            update qualification.case_file set reference = 'lost'
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "acted",
        claim: "what was acknowledged of a case stands in its history once",
        offenders: "
            select
                a.report_id || ' ' || a.action,
                case when count(e.revision) = 0 then 'lost' else 'twice' end
            from acted as a
            left join qualification.case_file as c on a.report_id = c.report_id
            left join qualification.case_entry as e
                on c.case_id = e.case_id and a.action = e.action
            group by a.report_id, a.action
            having count(e.revision) <> 1",
        violation: "
            update qualification.case_entry set action = 'noted'
            where (case_id, revision) =
                (select case_id, revision from qualification.case_entry where action = 'claimed' limit 1)",
    },
    Invariant {
        name: "case-history",
        claim: "a case changed as often as its history and its announcements say",
        offenders: "
            select c.reference, 'wrong'
            from qualification.case_file as c
            left join (
                select case_id, count(*) as entries from qualification.case_entry group by case_id
            ) as h on c.case_id = h.case_id
            left join (
                select subject, count(*) as events from qualification.event group by subject
            ) as e on 'case/' || c.case_id = e.subject
            where c.revision is distinct from h.entries or c.revision is distinct from e.events",
        violation: "
            update qualification.case_file set revision = revision + 1
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "declarant-knows",
        claim: "intake knows where every case stands",
        offenders: "
            select r.reference, 'lost'
            from intake.report as r
            left join qualification.case_file as c on r.report_id = c.report_id
            where r.case_id is distinct from c.case_id
                or r.case_revision is distinct from c.revision + coalesce(
                    (select extract(epoch from date_trunc('second', reincarnated_at))::bigint
                     from qualification.eventlog_meta), 0)
                or r.case_state is distinct from c.state",
        violation: "
            update intake.report set case_state = 'duplicate'
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "told-once",
        claim: "every event is told once for each rule, and every notification is in the feed",
        offenders: "
            select n.event_id || ' ' || n.rule, 'twice'
            from notification.notification as n
            group by n.event_id, n.rule
            having count(*) <> 1
            union all
            select 'untold: ' || e.event_id, 'lost'
            from (
                select event_id, null as subject, shard, position, recorded_at
                from intake.event where event_type like 'vigie.report.%'
                union all
                select q.event_id, q.subject, q.shard, q.position, q.recorded_at
                from (
                    select
                        *,
                        row_number() over (partition by subject order by position) as revision
                    from qualification.event where subject like 'case/%'
                ) as q
                -- That a report was amended is told of the report.
                left join qualification.case_entry as h
                    on q.subject = 'case/' || h.case_id and q.revision = h.revision
                where h.action is distinct from 'amended'
            ) as e
            left join notification.notification as n on e.event_id = n.event_id
            where n.event_id is null and not exists (
                select from qualification.event as later
                inner join notification.notification as told on later.event_id = told.event_id
                cross join qualification.eventlog_meta as m
                where later.shard = e.shard and later.position > e.position
                    and later.subject = e.subject
                    and e.recorded_at < coalesce(
                        (select at from rejoined where producer = 'qualification'),
                        m.reincarnated_at)
            )
            union all
            select 'untold: ' || a.subject, 'lost'
            from (
                select event_id, subject, recorded_at, 'intake' as producer, m.reincarnated_at
                from intake.event
                cross join intake.eventlog_meta as m
                union all
                select event_id, subject, recorded_at, 'qualification', m.reincarnated_at
                from qualification.event
                cross join qualification.eventlog_meta as m
            ) as a
            left join notification.notification as n on a.event_id = n.event_id
            left join rejoined as r on a.producer = r.producer
            -- Calls are mails alone.
            where (a.producer = 'qualification'
                    and a.subject not like all (array['case/%', 'escalation/%'])
                    or a.subject like 'activity/%')
                and n.event_id is null
                and coalesce(a.recorded_at >= coalesce(r.at, a.reincarnated_at), true)
            union all
            select
                'not streamed once: ' || coalesce(n.notification_id, e.event_id),
                case when e.event_id is null then 'lost' else 'wrong' end
            from notification.notification as n
            full join notification.event as e on n.notification_id = e.event_id
            where n.notification_id is null or e.event_id is null",
        violation: "
            delete from notification.notification
            where notification_id = (select notification_id from notification.notification limit 1)",
    },
    Invariant {
        name: "one-set-of-messages",
        claim: "every report has one set of messages, each of which says something",
        offenders: "
            select concat_ws(' ', d.subject, d.kind, d.payload ->> 'recipient'), 'twice'
            from message as d
            where d.payload ->> 'rule' not in ('message', 'activity', 'escalation')
            group by d.subject, d.kind, d.payload ->> 'rule', d.payload ->> 'recipient',
                d.payload ->> 'mailbox'
            having count(*) <> 1
            union all
            select r.reference, case when count(d.kind) < 4 then 'lost' else 'twice' end
            from intake.report as r
            left join message as d
                on 'report/' || r.report_id = d.subject
                and d.kind in ('mail/receipt', 'mail/submission')
            group by r.reference
            having array_agg(d.payload ->> 'rule' order by d.payload ->> 'rule') is distinct from
                array['announce_agency', 'announce_cell', 'announce_fssi', 'receipt']
            union all
            select 'says nothing: ' || d.delivery_id, 'lost'
            from message as d
            where coalesce(
                d.payload -> 'summary' ->> 'reference', d.payload ->> 'reference') is null",
        violation: "
            update notification.job_done set payload = payload || '{\"rule\": \"receipt\"}'
            where job_id = (
                select job_id from notification.job_done
                where payload ->> 'rule' = 'announce_cell' limit 1)",
    },
    Invariant {
        name: "delivered",
        claim: "every message arrived, and never more often than it was tried",
        offenders: "
            select
                coalesce(d.delivery_id, m.delivery_id)::text,
                case when m.copies is null then 'lost' else 'twice' end
            from message as d
            full join mail as m on d.delivery_id = m.delivery_id
            where d.state <> 'sent'
                or m.copies is null
                or m.copies - m.undone > coalesce(d.attempts, 0)",
        violation: "
            update mail set copies = copies + 1000
            where delivery_id = (select delivery_id from mail limit 1)",
    },
    Invariant {
        name: "one-fact",
        claim: "every report is one fact, as its case stands",
        offenders: "
            select
                coalesce(r.reference, f.report_id::text),
                case when f.report_id is null then 'lost' else 'wrong' end
            from intake.report as r
            full join (
                select * from statistics.fact_version where known_until is null
            ) as f on r.report_id = f.report_id
            left join qualification.case_file as c on r.report_id = c.report_id
            where r.report_id is null
                or f.standing is null
                -- Statistics is not told that a case was opened.
                or (c.revision > 1 or f.case_revision > 0)
                and f.case_revision is distinct from c.revision + coalesce(
                    (select extract(epoch from date_trunc('second', reincarnated_at))::bigint
                     from qualification.eventlog_meta), 0)
                or (r.withdrawn_at is not null) <> (f.standing = 'withdrawn')",
        violation: "
            delete from statistics.fact_version
            where report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "figures",
        claim: "the figures are those of the reports and cases, counted by themselves",
        offenders: "
            with counted as (
                select
                    (r.declared_at at time zone 'Europe/Paris')::date as declared_on,
                    r.routing_region as region,
                    case
                        when c.state = 'out_of_scope' then 'out_of_scope'
                        when c.state in ('closed', 'duplicate') then 'in_scope'
                        when c.state = 'withdrawn' or r.withdrawn_at is not null then 'withdrawn'
                        else 'in_scope'
                    end as standing,
                    coalesce(c.confirmed ->> 'origin', r.facts ->> 'origin') as origin,
                    coalesce((coalesce(c.confirmed, c.proposed) #>> '{severity,serious}')::boolean, false)
                        as serious,
                    count(*) as reports
                from intake.report as r
                left join qualification.case_file as c on r.report_id = c.report_id
                group by 1, 2, 3, 4, 5
            ),
            figure as (
                select declared_on, region, standing, origin, serious, count(*) as reports
                from statistics.fact_version
                where known_until is null
                group by 1, 2, 3, 4, 5
            )
            select coalesce(to_jsonb(counted), to_jsonb(figure))::text, 'wrong'
            from counted
            full join figure
                on to_jsonb(counted) - 'reports' = to_jsonb(figure) - 'reports'
            where counted.reports is distinct from figure.reports",
        violation: "
            update statistics.fact_version set serious = not serious
            where known_until is null
                and report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "validity",
        claim: "every fact is valid from the time of an event until that of the next",
        offenders: "
            select f.report_id || ' from ' || f.known_from, 'wrong'
            from (
                select *, lead(known_from) over (partition by report_id order by known_from)
                    as next
                from statistics.fact_version where known_from > '-infinity'
            ) as f
            -- Joined, not looked for fact by fact: there are hundreds of thousands.
            left join (
                select subject, recorded_at from intake.event
                union
                select 'report/' || c.report_id, e.recorded_at
                from qualification.case_file as c
                inner join qualification.event as e on 'case/' || c.case_id = e.subject
            ) as told
                on 'report/' || f.report_id = told.subject and f.known_from = told.recorded_at
            where f.known_until is distinct from f.next or told.subject is null",
        violation: "
            update statistics.fact_version set known_until = now()
            where known_until is null
                and report_id = (select report_id from acknowledged limit 1)",
    },
    Invariant {
        name: "nothing-parked",
        claim: "no event is parked and no consumer has stopped",
        offenders: "
            select consumer || ' parked ' || event_id, 'wrong'
            from (
                select consumer, event_id from intake.parked_event
                union all
                select consumer, event_id from qualification.parked_event
                union all
                select consumer, event_id from notification.parked_event
                union all
                select consumer, event_id from statistics.parked_event
            ) as parked
            union all
            select consumer || ' stopped: ' || stopped, 'wrong'
            from (
                select consumer, stopped from intake.consumer_offset
                union all
                select consumer, stopped from qualification.consumer_offset
                union all
                select consumer, stopped from notification.consumer_offset
                union all
                select consumer, stopped from statistics.consumer_offset
            ) as standing
            where stopped is not null",
        violation: "update statistics.consumer_offset set stopped = 'a violation'",
    },
];
