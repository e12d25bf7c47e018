-- The services that a parked event names as its consumers, as it came. Null in what an
-- earlier release parked: there the contract decides whether it still waits for somebody.
alter table parked_event add column consumers text [];
