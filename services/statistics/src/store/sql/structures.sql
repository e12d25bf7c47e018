-- The inner query is answered from the index alone and counted by hashing.
select count(*) as "count!"
from (
    select distinct structure_id
    from fact
    where standing in ('in_scope', 'out_of_scope')
        and month between $1 and $2
        and ($3::text is null or region = $3)
) as declaring
