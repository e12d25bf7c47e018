-- A report is written again when its case moves: with room beside it, on the same
-- page and without touching an index.
alter table report set (fillfactor = 60);
