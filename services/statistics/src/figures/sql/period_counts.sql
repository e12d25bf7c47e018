select
    count(*) filter (where standing = 'in_scope') as in_scope,
    count(*) filter (where standing = 'out_of_scope') as out_of_scope,
    count(*) filter (where standing = 'withdrawn') as withdrawn,
    count(distinct structure_id) filter (where standing <> 'withdrawn') as structures,
    count(*) filter (where standing = 'in_scope' and origin = 'malicious') as malicious,
    count(*) filter (where standing = 'in_scope' and care_impact = 'degraded_mode')
        as degraded_mode,
    count(*) filter (where standing = 'in_scope' and care_impact = 'interruption')
        as interruption,
    count(*) filter (where standing = 'in_scope' and patient_endangerment = 'potential')
        as danger_potential,
    count(*) filter (where standing = 'in_scope' and patient_endangerment = 'proven')
        as danger_proven,
    count(*) filter (where standing = 'in_scope' and 'serious' = any(severity)) as serious,
    count(*) filter (where standing = 'in_scope' and 'significant' = any(severity))
        as significant,
    count(*) filter (where standing = 'in_scope' and 'major' = any(severity)) as major,
    count(*) filter (where standing = 'in_scope' and assistance_requested)
        as assistance_requested
from counted_fact
where
