-- no-transaction
-- Cases that were there before they could be searched, a thousand at a time, each thousand in a
-- transaction of its own: a case that changes meanwhile waits for one of those at most. What the
-- triggers write meanwhile is not undone here. Where it is broken off it begins anew, and passes
-- over what is there. The last step, which finds nothing, commits nothing: without a case it
-- also runs within a transaction.
do $$
declare
    last uuid := '00000000-0000-0000-0000-000000000000';
    step uuid[];
begin
    loop
        step := array(
            select case_id from case_file where case_id > last order by case_id limit 1000
        );
        exit when step = '{}';
        insert into case_search (declared_at, case_id, words, tags)
        select c.declared_at, c.case_id, case_words(c), case_tags(c)
        from case_file as c
        where c.case_id = any(step)
        on conflict do nothing;
        last := step[cardinality(step)];
        commit;
    end loop;
end
$$;
