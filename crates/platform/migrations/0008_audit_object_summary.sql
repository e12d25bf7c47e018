-- By itself, for writers wait while the table is read.
create index audit_entry_object on audit_entry using brin (object text_bloom_ops)
    with (autosummarize = on);
