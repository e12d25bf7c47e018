-- What calls may change, and what changes announce: trails and keys of requests apart.
select jsonb_build_object(
    'structures', (select jsonb_agg(s order by s.finess) from intake.structure s),
    'drafts', (
        select jsonb_agg(d order by d.author, d.draft_id)
        from (select author, draft_id, saved_at from intake.draft) d
    ),
    'reports', (select jsonb_agg(r order by r.report_id) from intake.report r),
    'revisions', (select count(*) from intake.report_revision),
    'resolutions', (select count(*) from intake.report_resolution),
    'timelines', (select count(*) from intake.timeline_entry),
    'cases', (select jsonb_agg(c order by c.case_id) from qualification.case_file c),
    'measures', (
        select jsonb_agg(m order by m.case_id, m.number) from qualification.case_measure m
    ),
    'history', (select count(*) from qualification.case_entry),
    'notes', (select count(*) from qualification.internal_message),
    'marks', (select count(*) from qualification.message_read),
    'decisions', (select count(*) from qualification.decision),
    'rota', (select count(*) from qualification.rota_shift),
    'escalations', (
        select jsonb_agg(e order by e.escalation_id) from qualification.escalation e
    ),
    'notifications', (select count(*) from notification.notification),
    'deliveries', (
        select sum(n) from (
            select count(*) as n from notification.job
            union all select count(*) from notification.job_done
        ) as delivery
    ),
    'facts', (select count(*) from statistics.fact_version),
    'intake log', (select sum(position) from intake.eventlog_head),
    'qualification log', (select sum(position) from qualification.eventlog_head),
    'notification log', (select sum(position) from notification.eventlog_head)
)::text
