-- The statements that took longest, all their calls together.
select
    r.rolname::text as role,
    (1000 * s.total_exec_time)::float8 as microseconds,
    s.calls::float8 as calls,
    s.rows::float8 as rows,
    s.wal_records::float8 as records,
    s.wal_bytes::float8 as bytes,
    left(regexp_replace(s.query, '\s+', ' ', 'g'), 100) as text
from profile.pg_stat_statements as s
inner join pg_roles as r on s.userid = r.oid
order by s.total_exec_time desc
limit 40
