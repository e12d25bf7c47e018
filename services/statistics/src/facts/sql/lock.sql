-- An empty row stands for each report, which is never valid: whoever comes second waits for
-- it, in the order of the ids so that nobody waits in a circle. Nothing is updated.
insert into fact_version (report_id, known_from, known_until)
select report_id, '-infinity', '-infinity'
from unnest($1::uuid[]) as asked (report_id)
order by report_id
on conflict (report_id, known_from)
    do update set known_until = excluded.known_until where false
