-- Drops the tables of months that are over a year old (UTC), but for those in use.
do $$
declare
    now timestamptz := current_setting('vigie.now');
    parent text;
    old text;
begin
    -- Readers wait behind a drop while it waits: rather try again in an hour.
    set local lock_timeout = '200ms';
    foreach parent in array array['job_done', 'job_attempt'] loop
        for old in
            select c.relname
            from pg_inherits i inner join pg_class c on i.inhrelid = c.oid
            where i.inhparent = parent::regclass
                and c.relname < format('%s_%s', parent,
                    to_char(now at time zone 'utc' - interval '1 year', 'YYYY_MM'))
        loop
            begin
                execute format('drop table if exists %I', old);
            exception when lock_not_available then
                continue;
            end;
        end loop;
    end loop;
end $$
