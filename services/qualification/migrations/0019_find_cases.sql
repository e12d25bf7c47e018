-- Cases that were there before they could be searched. What changes meanwhile is written by the
-- triggers, and not undone here; but a case that was written here and changes waits for the end.
-- So those come last that change: the ones that are not ended, which are few.
insert into case_search (declared_at, case_id, words, tags)
select c.declared_at, c.case_id, case_words(c), case_tags(c)
from case_file as c
where c.state in ('closed', 'out_of_scope', 'duplicate', 'withdrawn')
on conflict do nothing;

insert into case_search (declared_at, case_id, words, tags)
select c.declared_at, c.case_id, case_words(c), case_tags(c)
from case_file as c
where c.state not in ('closed', 'out_of_scope', 'duplicate', 'withdrawn')
on conflict do nothing;
