select finess, legal_entity_finess, siret, name, kind, category_code, region, department, town,
       operator_status, sort_name
from structure
where search_words @@ $1::text::tsquery
  and ($2::text is null or (sort_name, finess) > ($2, $3::text))
order by sort_name, finess
limit $4
