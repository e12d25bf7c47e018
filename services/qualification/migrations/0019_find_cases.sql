-- Cases that were there before they could be searched. What changes meanwhile is written by the
-- triggers, and not undone here.
insert into case_search (declared_at, case_id, words, tags)
select c.declared_at, c.case_id, case_words(c), case_tags(c)
from case_file as c
on conflict do nothing;
