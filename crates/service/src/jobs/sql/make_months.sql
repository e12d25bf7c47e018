-- Makes the tables of this month and the next (UTC).
do $$
declare
    now timestamptz := current_setting('vigie.now');
    parent text;
    month timestamp;
    name text;
begin
    foreach parent in array array['job_done', 'job_attempt'] loop
        -- One replica at a time, while jobs are recorded and read.
        execute format('lock table %I in share update exclusive mode', parent);
        for ahead in 0..1 loop
            month := date_trunc('month', now at time zone 'utc') + ahead * interval '1 month';
            name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
            if to_regclass(name) is null then
                -- Made alone, then attached: unlike "partition of", that lets others work.
                execute format('create table %I (like %I including all)', name, parent);
                execute format(
                    'alter table %I attach partition %I for values from (%L) to (%L)',
                    parent, name, month at time zone 'utc',
                    (month + interval '1 month') at time zone 'utc'
                );
            end if;
        end loop;
    end loop;
end $$
