//! The directory of structures.

use std::collections::BTreeMap;

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocabulary::{Department, Finess, Line, Siret, StructureKind, Word as _, fold};

use super::read;
use crate::domain::{Recorded, SearchWords, Structure};

/// The most sites of one number that are looked at.
const MAX_SITES: i64 = 100;

/// A place in the answers of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamePosition {
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
    let slugs =
        |of: fn(&Structure) -> Option<String>| structures.iter().map(of).collect::<Vec<_>>();
    let rows = sqlx::query_file!(
        "src/store/record_structures.sql",
        &slugs(|s| Some(s.finess.to_string())) as &[Option<String>],
        &slugs(|s| s.legal_entity.map(|finess| finess.to_string())) as &[Option<String>],
        &slugs(|s| s.siret.map(|siret| siret.to_string())) as &[Option<String>],
        &slugs(|s| Some(s.name.as_str().to_owned())) as &[Option<String>],
        &slugs(|s| Some(s.kind.to_string())) as &[Option<String>],
        &slugs(|s| s
            .category_code
            .as_ref()
            .map(|code| code.as_str().to_owned())) as &[Option<String>],
        &slugs(|s| s.region.map(|region| region.to_string())) as &[Option<String>],
        &slugs(|s| Some(s.department.to_string())) as &[Option<String>],
        &slugs(|s| s.town.as_ref().map(|town| town.as_str().to_owned())) as &[Option<String>],
        &slugs(|s| s.operator_status.map(|status| status.to_string())) as &[Option<String>],
        &slugs(|s| Some(fold(s.name.as_str()))) as &[Option<String>],
        &slugs(|s| Some(search_text(s))) as &[Option<String>],
        now,
    )
    .fetch_all(conn)
    .await?;
    let revisions: BTreeMap<String, i64> = rows
        .into_iter()
        .map(|row| (row.finess, row.revision))
        .collect();
    let recorded = structures.iter().filter_map(|structure| {
        let revision = revisions
            .get(&structure.finess.to_string())?
            .cast_unsigned();
        Some(Recorded {
            structure: structure.clone(),
            revision,
            at: now,
        })
    });
    Ok(recorded.collect())
}

/// The structure with this FINESS.
pub(crate) async fn structure(
    conn: &mut PgConnection,
    finess: Finess,
) -> Result<Option<Structure>> {
    sqlx::query_as!(
        Row,
        "select finess, legal_entity_finess, siret, name, kind, category_code, region, department,
                town, operator_status, sort_name
         from structure where finess = $1",
        finess.to_string(),
    )
    .fetch_optional(conn)
    .await?
    .map(Structure::try_from)
    .transpose()
}

/// The structures with these FINESS that the directory knows.
pub(crate) async fn sites(
    conn: &mut PgConnection,
    wanted: &[Finess],
) -> Result<BTreeMap<Finess, Structure>> {
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let rows = sqlx::query_as!(
        Row,
        "select finess, legal_entity_finess, siret, name, kind, category_code, region, department,
                town, operator_status, sort_name
         from structure where finess = any($1)",
        &wanted,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Structure::try_from(row).map(|site| (site.finess, site)))
        .collect()
}

/// The sites of a legal entity, at most [`MAX_SITES`]; those of the department first.
pub(crate) async fn sites_of_entity(
    conn: &mut PgConnection,
    entity: Finess,
    department: Option<Department>,
) -> Result<Vec<Structure>> {
    let rows = sqlx::query_as!(
        Row,
        "select finess, legal_entity_finess, siret, name, kind, category_code, region, department,
                town, operator_status, sort_name
         from structure where legal_entity_finess = $1
         order by department is distinct from $2, finess limit $3",
        entity.to_string(),
        department.map(|department| department.to_string()),
        MAX_SITES,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Structure::try_from).collect()
}

/// The sites with a SIRET, at most [`MAX_SITES`]; those of the department first.
pub(crate) async fn sites_of_siret(
    conn: &mut PgConnection,
    siret: Siret,
    department: Option<Department>,
) -> Result<Vec<Structure>> {
    let rows = sqlx::query_as!(
        Row,
        "select finess, legal_entity_finess, siret, name, kind, category_code, region, department,
                town, operator_status, sort_name
         from structure where siret = $1
         order by department is distinct from $2, finess limit $3",
        siret.to_string(),
        department.map(|department| department.to_string()),
        MAX_SITES,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Structure::try_from).collect()
}

/// Structures of which every word is found, by name, each with its place.
pub(crate) async fn search(
    conn: &mut PgConnection,
    words: &SearchWords,
    after: Option<&NamePosition>,
    limit: u32,
) -> Result<Vec<(Structure, NamePosition)>> {
    // Folded words hold letters and digits only, so the query needs no escaping.
    let query: Vec<String> = words.iter().map(|word| format!("'{word}':*")).collect();
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/search_structures.sql",
        query.join(" & "),
        after.map(|after| after.sort_name.as_str()),
        after.map(|after| after.finess.as_str()),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let place = NamePosition {
                sort_name: row.sort_name.clone(),
                finess: row.finess.clone(),
            };
            Ok((Structure::try_from(row)?, place))
        })
        .collect()
}

/// Every structure with its revision, by FINESS.
pub(crate) async fn structures_after(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Recorded>> {
    let rows = sqlx::query!(
        "select finess, legal_entity_finess, siret, name, kind, category_code, region, department,
                town, operator_status, sort_name, revision, recorded_at
         from structure where $1::text is null or finess > $1 order by finess limit $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (revision, at) = (row.revision.cast_unsigned(), row.recorded_at);
            let row = Row {
                finess: row.finess,
                legal_entity_finess: row.legal_entity_finess,
                siret: row.siret,
                name: row.name,
                kind: row.kind,
                category_code: row.category_code,
                region: row.region,
                department: row.department,
                town: row.town,
                operator_status: row.operator_status,
                sort_name: row.sort_name,
            };
            Ok(Recorded {
                structure: row.try_into()?,
                revision,
                at,
            })
        })
        .collect()
}

fn search_text(structure: &Structure) -> String {
    let town = structure.town.as_ref().map_or("", |town| town.as_str());
    fold(&format!(
        "{} {town} {}",
        structure.name.as_str(),
        structure.finess
    ))
}

/// A structure as PostgreSQL gives it.
struct Row {
    finess: String,
    legal_entity_finess: Option<String>,
    siret: Option<String>,
    name: String,
    kind: String,
    category_code: Option<String>,
    region: Option<String>,
    department: String,
    town: Option<String>,
    operator_status: Option<String>,
    sort_name: String,
}

impl TryFrom<Row> for Structure {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            finess: read::word(&row.finess)?,
            legal_entity: read::optional::<Finess>(row.legal_entity_finess.as_deref())?,
            siret: read::optional::<Siret>(row.siret.as_deref())?,
            name: Line::from_db(&row.name),
            kind: StructureKind::stored(&row.kind),
            category_code: row.category_code.as_deref().map(Line::from_db),
            region: read::optional(row.region.as_deref())?,
            department: read::word(&row.department)?,
            town: row.town.as_deref().map(Line::from_db),
            operator_status: read::listed(row.operator_status.as_deref()),
        })
    }
}
