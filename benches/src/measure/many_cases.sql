-- Cases with these numbers, one a minute into the past. The latest five hundred are open, the
-- others closed; one in ten tells of ransomware, seven in a thousand are of the region 01.
insert into case_file (
    case_id, report_id, reference, kind, structure_name, town, routing_region, declared_at,
    opened_at, description, assistance_requested, test, proposed, revision, state, changed_at,
    confirmed, major, assignee, visible_to
)
select
    gen_random_uuid(), gen_random_uuid(), 'SIG-2020-' || lpad(n::text, 8, '0'),
    (array['incident', 'near_miss', 'product_vulnerability'])[1 + (spread < 50)::integer + (spread < 2)::integer],
    'Centre hospitalier ' || n % 3000, 'Ville ' || n % 900, region, at, at, text, false, false,
    triage, 3,
    case when n > 500 then 'closed' else (array['submitted', 'qualified', 'in_treatment'])[1 + n % 3] end,
    at, triage, spread < 5, 'analyst-' || n % 20,
    array['cell', 'fssi', 'ars:' || region, 'subject:' || n % 30000]
from generate_series($1::bigint, $2::bigint) as n
cross join lateral (
    select
        timestamptz '2026-11-01 00:00+00' - n * interval '1 minute' as at,
        n * 7919 % 1000 as spread,
        case
            when n * 7919 % 1000 < 7 then '01'
            else (array['11', '24', '27', '28', '32', '44', '52', '53', '75', '76', '84', '93'])[1 + n % 12]
        end as region,
        (array['Messagerie indisponible', 'Panne du prestataire', 'Compte compromis'])[1 + n % 3]
        || case when n * 104729 % 10 = 3 then ' : rançongiciel' else '' end as text
) as drawn
cross join lateral (
    select jsonb_build_object(
        'origin', (array['malicious', 'non_malicious', 'unknown'])[1 + n % 3],
        'origin_types', '[]'::jsonb,
        'impacts', '{}'::jsonb,
        'severity', jsonb_build_object(
            'serious', spread < 300, 'significant', spread < 100, 'major', spread < 5
        )
    ) as triage
) as judged
