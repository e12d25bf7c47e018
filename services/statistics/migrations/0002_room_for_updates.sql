-- A fact is written again with each event about its report: with room beside it, on
-- the same page and without touching an index.
alter table fact set (fillfactor = 60);
