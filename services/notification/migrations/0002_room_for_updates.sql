-- A report is written again with each event about it: with room beside it, on the
-- same page and without touching an index.
alter table known_report set (fillfactor = 50);
