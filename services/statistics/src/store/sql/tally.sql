select dimension, value, sum(count)::bigint as "count!"
from rollup
where month between $1 and $2
    and ($3::text is null or region = $3)
group by dimension, value
having sum(count) <> 0
