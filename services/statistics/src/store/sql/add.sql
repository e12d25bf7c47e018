insert into rollup (dimension, month, region, structure_kind, value, shard, count)
select dimension, month, region, structure_kind, value, $7, count
from unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    as moved (dimension, month, region, structure_kind, value, count)
on conflict (dimension, month, region, structure_kind, value, shard)
    do update set count = rollup.count + excluded.count
