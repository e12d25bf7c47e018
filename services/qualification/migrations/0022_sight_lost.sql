-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Who saw the case until this change and sees it no more: their streams are told so. Null: nobody.
alter table case_entry add column no_longer_visible_to text[];
