-- The messages that go out together tell the same situation: it is kept once, not
-- with each of them, and not written again with each attempt.
create table situation (
    situation_id uuid primary key,
    -- The report as it stood, without contact data.
    situation jsonb not null
);

-- No foreign key: a situation is written by the statement that writes its first
-- message, and a key would lock it again for each of the others.
alter table delivery
    add column occasion text,
    add column situation_id uuid;
insert into situation select delivery_id, letter -> 'situation' from delivery;
update delivery set occasion = letter ->> 'occasion', situation_id = delivery_id;
alter table delivery
    alter column occasion set not null,
    alter column situation_id set not null,
    drop column letter;

-- A claim is written on the same page, without touching an index.
alter table delivery set (fillfactor = 50);

-- Nearly all are sent, which the latest show; those that wait are found by when they
-- are due, and a report has but a few.
drop index delivery_of_state;
create index delivery_dead on delivery (created_at desc, delivery_id desc) where state = 'dead';
drop index delivery_of_report;
create index delivery_of_report on delivery (report_id);
