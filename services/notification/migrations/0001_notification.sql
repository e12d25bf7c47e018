-- What is known of each report, so that the events of its case can be told
-- with names. A case may be heard of before its report: the rest is then null.
create table known_report (
    report_id uuid primary key,
    -- The report as it stands, without contact data; null until it came.
    situation jsonb,
    back_dated boolean not null default false,
    test boolean not null default false,
    -- The contacts, sealed under the report's own key. Erasing data_key erases
    -- every address of the report's people, deliveries included.
    sealed_contacts bytea,
    data_key bytea,
    -- Who was told by a message: "fssi", "ars:76" …
    told jsonb not null default '[]',
    case_id uuid,
    case_revision bigint not null default 0,
    major boolean not null default false,
    -- The event that closed the case before the report came: its message waits.
    awaiting_closing uuid
);

-- What was raised. A replay meets its row here and announces nothing again.
create table notification (
    notification_id uuid primary key,
    event_id uuid not null,
    rule text not null,
    report_id uuid not null,
    raised_at timestamptz not null
);

-- A message to one address.
create table delivery (
    delivery_id uuid primary key,
    report_id uuid not null,
    rule text not null,
    -- Goes before everything else that is due: a night call does not wait behind
    -- the announcements of a large import.
    urgent boolean not null generated always as (rule in ('on_call', 'announce_major')) stored,
    recipient text not null,
    -- A mailbox of an institution, or a person's address under the report's key.
    mailbox text,
    sealed_address bytea,
    -- What the message says, without contact data.
    letter jsonb not null,
    traceparent text,
    state text not null default 'pending',
    attempts integer not null default 0,
    refusals integer not null default 0,
    created_at timestamptz not null,
    due_at timestamptz,
    claimed_until timestamptz,
    sent_at timestamptz,
    last_error text,
    constraint delivery_state_known check (state in ('pending', 'sent', 'dead')),
    constraint delivery_has_one_address check ((mailbox is null) <> (sealed_address is null)),
    constraint delivery_is_due_while_pending check ((state = 'pending') = (due_at is not null))
);

create index delivery_due on delivery (urgent desc, due_at) where state = 'pending';
create index delivery_latest on delivery (created_at desc, delivery_id desc);
create index delivery_of_state on delivery (state, created_at desc, delivery_id desc);
create index delivery_of_report on delivery (report_id, created_at desc, delivery_id desc);

-- Each attempt, for the operator.
create table delivery_attempt (
    delivery_id uuid not null references delivery,
    attempt integer not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    outcome text not null,
    error_class text,
    primary key (delivery_id, attempt)
);
