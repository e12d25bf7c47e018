-- Erasure alone asks for the events of a subject: it reads the pages of which a summary says
-- that they may hold some, and appending costs an entry less. By itself, for writers wait
-- while the log is read.
create index event_subject_summary on event
    using brin (subject text_bloom_ops (n_distinct_per_range = 1000)) with (autosummarize = on);
