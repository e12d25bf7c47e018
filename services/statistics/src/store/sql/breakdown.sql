-- $4 and $5 name the axes; a null first axis means the values of the dimension.
select
    case $4::text
        when 'month' then to_char(month, 'YYYY-MM')
        when 'region' then region
        when 'structure_kind' then structure_kind
        else value
    end as "value!",
    case $5::text
        when 'month' then to_char(month, 'YYYY-MM')
        when 'region' then region
        when 'structure_kind' then structure_kind
        else ''
    end as "second_value!",
    sum(count)::bigint as "count!"
from rollup
where dimension = $6
    and (dimension <> 'standing' or value = 'in_scope')
    and month between $1 and $2
    and ($3::text is null or region = $3)
group by 1, 2
having sum(count) <> 0
