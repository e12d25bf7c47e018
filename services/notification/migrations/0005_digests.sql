-- What an importer enters with a past date is told to each addressee once a day. The
-- mail of a digest is a delivery like the others: its situation_id is the digest, and
-- its report_id is zero, for it is about no single report.
create table digest_entry (
    digest_id uuid not null,
    report_id uuid not null,
    -- The reference for people: a digest says nothing else of a report.
    reference text not null,
    primary key (digest_id, report_id)
);
