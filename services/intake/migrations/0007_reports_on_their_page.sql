-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Whoever fills the list of parties that wait for the index empties it: that may hold up a
-- declaration, and is rather done often than at length.
alter index report_visible_idx set (gin_pending_list_limit = 512);
-- A report is of some kilobytes: kept on its page, it is one record of the log and not three.
alter table report set (toast_tuple_target = 8160);
