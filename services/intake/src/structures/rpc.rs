//! `StructureService`: the directory is loaded, shown and searched.

use platform::{Caller, Deadline, Error, Result, Violations, read_transaction};
use proto::intake::v1::{
    self as pb, GetStructureRequest, GetStructureResponse, ImportStructuresRequest,
    ImportStructuresResponse, SearchStructuresRequest, SearchStructuresResponse,
    structure_service_server::StructureService,
};
use serde_json::json;
use service::{Commands, Fields, Page, audit_list, audit_read, wire};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming, async_trait};
use vocabulary::{Finess, SearchWords, Word as _};

use super::{
    Structure,
    decide::sees_operator_status,
    store::{self, NamePosition},
};
use crate::import::{Upload, load};

/// The most structures that a page holds.
const MAX_PAGE: u32 = 100;

/// Answers `StructureService`.
#[derive(Clone, Debug)]
pub(crate) struct StructureRpc {
    /// Where structures are kept and announced.
    pub(crate) commands: Commands,
    /// Serves searches, apart from writes.
    pub(crate) read_pool: PgPool,
    /// The largest file, in bytes.
    pub(crate) import_max_bytes: u64,
}

#[async_trait]
impl StructureService for StructureRpc {
    async fn import_structures(
        &self,
        request: Request<Streaming<ImportStructuresRequest>>,
    ) -> Result<Response<ImportStructuresResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let mut pieces = request.into_inner();
        let mut upload = Upload::new(self.import_max_bytes)?;
        while let Some(piece) = pieces.message().await? {
            upload.push(&piece).await?;
        }
        let file = upload.finish().await?;
        let Commands {
            pool, log, tasks, ..
        } = self.commands.clone();
        let loaded = tasks.finish(load(pool, log, caller, file)).await?;
        Ok(Response::new(loaded.into()))
    }

    async fn get_structure(
        &self,
        request: Request<GetStructureRequest>,
    ) -> Result<Response<GetStructureResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut violations = Violations::default();
        let finess: Option<Finess> = Fields::new("", &mut violations)
            .required_identifier("finess", &request.get_ref().finess);
        let finess = finess.ok_or(violations).map_err(Error::from)?;
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let found = store::sites(&mut conn, &[finess]).await?.remove(&finess);
        let object = format!("structure/finess:{finess}");
        audit_read(&mut conn, caller, "structure.get", &object, found.is_some()).await?;
        let structure = found.ok_or(Error::NotFound("structure"))?;
        Ok(Response::new(GetStructureResponse {
            structure: Some(shown(caller, &structure)),
        }))
    }

    async fn search_structures(
        &self,
        request: Request<SearchStructuresRequest>,
    ) -> Result<Response<SearchStructuresResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let words = SearchWords::parse(&asked.query)
            .map_err(|refused| Error::invalid("query", refused.reason, refused.description))?;
        let filter = words.iter().collect::<Vec<_>>().join(" ");
        let size = asked.page_size.min(MAX_PAGE);
        let page = Page::<NamePosition>::read(size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let after = page.after.as_ref();
        let mut places = store::search(&mut read, &words, after, page.limit()).await?;
        let next_page_token = page.cut(&mut places, NamePosition::clone);
        let structures = store::found(&mut read, &places).await?;
        drop(read);
        let detail = json!({ "continued": after.is_some(), "structures": structures.len() });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "structure.search", "structure", detail).await?;
        Ok(Response::new(SearchStructuresResponse {
            structures: structures.iter().map(|it| shown(caller, it)).collect(),
            next_page_token,
        }))
    }
}

/// A structure as far as this caller may know it.
pub(crate) fn known_to(caller: &Caller, structure: &Structure) -> Structure {
    let Caller {
        roles,
        region,
        structures,
        ..
    } = caller;
    let status = structure
        .operator_status
        .filter(|_| sees_operator_status(structure, roles, *region, structures));
    Structure {
        operator_status: status,
        ..structure.clone()
    }
}

/// A structure as this caller may see it.
pub(crate) fn shown(caller: &Caller, structure: &Structure) -> pb::Structure {
    let status = known_to(caller, structure).operator_status;
    pb::Structure {
        structure_key: structure.key().to_string(),
        finess: structure.finess.to_string(),
        legal_entity_finess: wire::shown(structure.legal_entity),
        siret: wire::shown(structure.siret),
        name: structure.name.as_str().to_owned(),
        kind: structure.kind.number(),
        category_code: wire::text(structure.category_code.as_ref()),
        region: wire::shown(structure.region),
        department: structure.department.to_string(),
        town: wire::text(structure.town.as_ref()),
        operator_status: proto::number(status),
    }
}
