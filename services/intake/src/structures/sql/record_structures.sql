insert into structure (
    finess, legal_entity_finess, siret, name, kind, category_code, region, department, town,
    operator_status, sort_name, search_words, recorded_at
)
select new.finess, new.legal_entity_finess, new.siret, new.name, new.kind, new.category_code,
       new.region, new.department, new.town, new.operator_status, new.sort_name,
       array_to_tsvector(array(
           select distinct word from unnest(string_to_array(new.search_text, ' ')) as word where word <> ''
       )), $2
from jsonb_to_recordset($1) as new (
    finess text, legal_entity_finess text, siret text, name text, kind text, category_code text,
    region text, department text, town text, operator_status text, sort_name text, search_text text
)
order by new.finess
on conflict (finess) do update
set legal_entity_finess = excluded.legal_entity_finess, siret = excluded.siret,
    name = excluded.name, kind = excluded.kind, category_code = excluded.category_code,
    region = excluded.region, department = excluded.department, town = excluded.town,
    operator_status = excluded.operator_status, sort_name = excluded.sort_name,
    search_words = excluded.search_words, recorded_at = excluded.recorded_at,
    revision = structure.revision + 1
where (structure.legal_entity_finess, structure.siret, structure.name, structure.kind,
       structure.category_code, structure.region, structure.department, structure.town,
       structure.operator_status, structure.sort_name, structure.search_words)
      is distinct from
      (excluded.legal_entity_finess, excluded.siret, excluded.name, excluded.kind,
       excluded.category_code, excluded.region, excluded.department, excluded.town,
       excluded.operator_status, excluded.sort_name, excluded.search_words)
returning finess, revision
