-- The chain over the audit trail: each seal binds the entries of its transactions, in
-- their order, and the seal before it.
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
-- What was written before there was a chain is bound by its number alone; no more is.
insert into audit_seal (number, sealed_at, until, entries, total, chain, signature)
select 0, now(), 0, count(*), count(*), ''::bytea, null
from audit_entry where transaction_id is null;
