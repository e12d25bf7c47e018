-- Facts come nearly in the order of their days: a summary of the pages finds those of a
-- period. By itself, for writers wait while the table is read.
create index fact_version_days on fact_version
    using brin (declared_on date_minmax_multi_ops) with (pages_per_range = 32, autosummarize = on);
