-- Which transaction wrote an entry. A seal takes the entries of transactions that have
-- all ended, so that none comes in below it later; nothing is written to an entry again.
alter table audit_entry add column transaction_id bigint;
alter table audit_entry
    alter column transaction_id set default (pg_current_xact_id()::text::bigint);
create index audit_entry_transaction on audit_entry (transaction_id)
    where transaction_id is not null;

-- The chain over the entries: each seal binds those of its transactions, in their
-- order, and the seal before it.
create table audit_seal (
    number bigint primary key,
    sealed_at timestamptz not null,
    -- The entries of transactions below this one, and not below that of the seal before.
    until bigint not null,
    entries bigint not null check (entries >= 0),
    -- With those of all earlier seals.
    total bigint not null check (total >= 0),
    chain bytea not null,
    -- The chain under the key of the logs, which the database does not have. Absent at
    -- the beginning alone.
    signature bytea check ((signature is null) = (number = 0))
);
-- What was written before there was a chain is bound by its number alone.
insert into audit_seal (number, sealed_at, until, entries, total, chain, signature)
select 0, now(), 0, count(*), count(*), ''::bytea, null from audit_entry;
