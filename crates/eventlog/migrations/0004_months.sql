-- When the last partition was begun because a month ended; null before the first.
alter table eventlog_meta add column month_begun_at timestamptz;
