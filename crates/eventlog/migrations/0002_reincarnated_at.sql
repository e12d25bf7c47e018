-- When the log was last reincarnated; null in its first history. A producer whose
-- facts count their changes goes on above it: after a restore the counts are below
-- what its consumers have seen.
alter table eventlog_meta add column reincarnated_at timestamptz;
