delete from fact_version
using unnest($1::uuid[], $2::timestamptz[]) as outdated (report_id, known_from)
where
    fact_version.report_id = outdated.report_id
    and fact_version.known_from = outdated.known_from
