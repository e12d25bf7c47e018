-- By itself, for writers wait while it is built. What is there already is not in it.
create index audit_entry_transaction on audit_entry (transaction_id)
    where transaction_id is not null;
