//! The directory at rest.

use std::collections::BTreeMap;

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocabulary::{
    Department, Finess, Line, OperatorStatus, SearchWords, Siret, StructureKind, Word as _, fold,
};

use super::{Recorded, Structure};

/// The most sites of one number that are looked at.
const MAX_SITES: i64 = 100;

/// A place in the answers of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamePosition {
    sort_name: String,
    finess: String,
}

/// Records structures in one statement; gives back those that are new or
/// changed. None may come twice.
pub(crate) async fn record(
    conn: &mut PgConnection,
    structures: &[Structure],
    now: OffsetDateTime,
) -> Result<Vec<Recorded>> {
    let rows: Value = structures.iter().map(row).collect();
    let changed = sqlx::query_file!("src/structures/sql/record_structures.sql", rows, now)
        .fetch_all(conn)
        .await?;
    let revisions: BTreeMap<String, i64> = changed
        .into_iter()
        .map(|row| (row.finess, row.revision))
        .collect();
    let recorded = structures.iter().filter_map(|structure| {
        let revision = revisions.get(structure.finess.as_str())?;
        Some(Recorded {
            structure: structure.clone(),
            revision: revision.cast_unsigned(),
            at: now,
        })
    });
    Ok(recorded.collect())
}

/// The structures with these FINESS that the directory knows.
pub(crate) async fn sites(
    conn: &mut PgConnection,
    finess: &[Finess],
) -> Result<BTreeMap<Finess, Structure>> {
    let wanted: Vec<String> = finess.iter().map(ToString::to_string).collect();
    let found = read(conn, &wanted).await?.into_iter();
    Ok(found
        .map(|it| (it.structure.finess, it.structure))
        .collect())
}

/// The site of the directory that a field `finess` names.
pub(crate) async fn site_named(conn: &mut PgConnection, finess: Finess) -> Result<Structure> {
    let site = sites(conn, &[finess]).await?.remove(&finess);
    site.ok_or_else(|| {
        let why = "ce numéro FINESS n'est pas celui d'un site de l'annuaire des structures";
        Error::invalid("finess", "NOT_IN_DIRECTORY", why)
    })
}

/// The sites of a legal entity, at most [`MAX_SITES`]; those of the department first.
pub(super) async fn sites_of_entity(
    conn: &mut PgConnection,
    entity: Finess,
    department: Option<Department>,
) -> Result<Vec<Structure>> {
    let found = sqlx::query_scalar!(
        "select finess from structure where legal_entity_finess = $1
         order by department is distinct from $2, finess limit $3",
        entity.as_str(),
        department.map(|department| department.to_string()),
        MAX_SITES,
    );
    let found = found.fetch_all(&mut *conn).await?;
    structures(conn, &found).await
}

/// The sites with a SIRET, at most [`MAX_SITES`]; those of the department first.
pub(super) async fn sites_of_siret(
    conn: &mut PgConnection,
    siret: Siret,
    department: Option<Department>,
) -> Result<Vec<Structure>> {
    let found = sqlx::query_scalar!(
        "select finess from structure where siret = $1
         order by department is distinct from $2, finess limit $3",
        siret.as_str(),
        department.map(|department| department.to_string()),
        MAX_SITES,
    );
    let found = found.fetch_all(&mut *conn).await?;
    structures(conn, &found).await
}

/// The places of the structures of which every word is found, by name.
pub(super) async fn search(
    conn: &mut PgConnection,
    words: &SearchWords,
    after: Option<&NamePosition>,
    limit: i64,
) -> Result<Vec<NamePosition>> {
    // Folded words hold letters and digits only, so the query needs no escaping.
    let query: Vec<String> = words.iter().map(|word| format!("'{word}':*")).collect();
    let found = sqlx::query_as!(
        NamePosition,
        "select sort_name, finess from structure
         where search_words @@ $1::text::tsquery
             and ($2::text is null or (sort_name, finess) > ($2, $3::text))
         order by sort_name, finess
         limit $4",
        query.join(" & "),
        after.map(|after| after.sort_name.as_str()),
        after.map(|after| after.finess.as_str()),
        limit,
    );
    Ok(found.fetch_all(conn).await?)
}

/// The structures at these places, in their order.
pub(super) async fn found(
    conn: &mut PgConnection,
    places: &[NamePosition],
) -> Result<Vec<Structure>> {
    let finess: Vec<String> = places.iter().map(|place| place.finess.clone()).collect();
    structures(conn, &finess).await
}

/// Every structure with its revision, by FINESS.
pub(crate) async fn structures_after(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Recorded>> {
    let found = sqlx::query_scalar!(
        "select finess from structure where $1::text is null or finess > $1
         order by finess limit $2",
        after,
        limit,
    );
    let found = found.fetch_all(&mut *conn).await?;
    read(conn, &found).await
}

async fn structures(conn: &mut PgConnection, finess: &[String]) -> Result<Vec<Structure>> {
    let found = read(conn, finess).await?.into_iter();
    Ok(found.map(|it| it.structure).collect())
}

/// Reads the structures with these FINESS, in their order.
async fn read(conn: &mut PgConnection, finess: &[String]) -> Result<Vec<Recorded>> {
    let rows = sqlx::query!(
        "select structure.finess, legal_entity_finess, siret, name, kind, category_code, region,
                department, town, operator_status, revision, recorded_at
         from unnest($1::text[]) with ordinality as wanted (finess, place)
         join structure on structure.finess = wanted.finess
         order by place",
        finess,
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let number = |text: Option<String>| text.map(|text| text.parse()).transpose();
        Ok(Recorded {
            structure: Structure {
                finess: row.finess.parse()?,
                legal_entity: number(row.legal_entity_finess)?,
                siret: row.siret.map(|siret| siret.parse()).transpose()?,
                name: Line::from_db(&row.name),
                kind: StructureKind::stored(&row.kind),
                category_code: row.category_code.as_deref().map(Line::from_db),
                region: row.region.map(|region| region.parse()).transpose()?,
                department: row.department.parse()?,
                town: row.town.as_deref().map(Line::from_db),
                operator_status: row.operator_status.as_deref().map(OperatorStatus::stored),
            },
            revision: row.revision.cast_unsigned(),
            at: row.recorded_at,
        })
    });
    rows.collect::<Result<_, vocabulary::ParseError>>()
        .map_err(Error::internal)
}

fn row(structure: &Structure) -> Value {
    let town = structure.town.as_ref().map_or("", |town| town.as_str());
    let name = structure.name.as_str();
    json!({
        "finess": structure.finess,
        "legal_entity_finess": structure.legal_entity,
        "siret": structure.siret,
        "name": name,
        "kind": structure.kind,
        "category_code": structure.category_code,
        "region": structure.region,
        "department": structure.department,
        "town": structure.town,
        "operator_status": structure.operator_status,
        "sort_name": fold(name),
        "search_text": fold(&format!("{name} {town} {}", structure.finess)),
    })
}
