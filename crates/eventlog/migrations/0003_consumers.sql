-- The services that must apply an event, as its producer named them. Null in rows
-- of earlier releases: there the type decides.
alter table event add column consumers text [];
