-- Whoever reads figures for long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Whether other States may be touched, as the declarant says. Null where he says nothing,
-- which holds for every report from before the question was asked. What the release before
-- this one applies while both run, to reports of which an answer was counted too, lacks the
-- answer until the state of the producers is read again: the release after this one does so,
-- and an operator may once all processes are of this one (docs/operating.md).
alter table fact_version add column cross_border boolean;

create or replace view counted_fact as
select
    known_from,
    known_until,
    declared_on,
    structure_id,
    standing,
    assistance_requested,
    to_char(declared_on, 'YYYY-MM') as month,
    region,
    coalesce(structure_kind, 'not_said') as structure_kind,
    coalesce(report_kind, 'not_said') as report_kind,
    coalesce(origin, 'not_said') as origin,
    case when origin_types = '{}' then '{not_said}' else origin_types end as origin_type,
    case when data_impacts = '{}' then '{not_said}' else data_impacts end as data_impact,
    coalesce(care_impact, 'not_said') as care_impact,
    coalesce(patient_endangerment, 'not_said') as patient_endangerment,
    array_remove(array[
        case when serious then 'serious' end,
        case when significant then 'significant' end,
        case when major then 'major' end
    ], null) as severity,
    case cross_border when true then 'yes' when false then 'no' else 'not_said' end
        as cross_border
from fact_version
where standing is not null;
