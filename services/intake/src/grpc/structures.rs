//! `StructureService`: the directory is loaded, shown and searched.

use platform::{
    AuditEntry, Caller, Deadline, Error, Outcome, PageToken, Result, audit, now, read_transaction,
};
use proto::intake::v1::{
    self as pb, GetStructureRequest, GetStructureResponse, ImportStructuresRequest,
    ImportStructuresResponse, SearchStructuresRequest, SearchStructuresResponse,
    structure_service_server::StructureService,
};
use serde_json::json;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::Structures;
use crate::{
    convert,
    domain::{SearchWords, Structure, sees_operator_status},
    import::{Spool, import},
    store::{self, NamePosition},
};

/// The most structures that a page holds.
const MAX_PAGE: u32 = 100;

#[async_trait]
impl StructureService for Structures {
    async fn import_structures(
        &self,
        request: Request<Streaming<ImportStructuresRequest>>,
    ) -> Result<Response<ImportStructuresResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let mut pieces = request.into_inner();
        let mut spool = Spool::new(self.import_max_bytes)?;
        while let Some(piece) = pieces.message().await? {
            spool.push(&piece).await?;
        }
        let file = spool.finish().await?;
        let work = import(self.pool.clone(), self.log.clone(), caller, file);
        let imported = self.tasks.finish(work).await?;
        Ok(Response::new(convert::import_answer(imported)))
    }

    async fn get_structure(
        &self,
        request: Request<GetStructureRequest>,
    ) -> Result<Response<GetStructureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(
            self.get(&caller, &request.into_inner()).await?,
        ))
    }

    async fn search_structures(
        &self,
        request: Request<SearchStructuresRequest>,
    ) -> Result<Response<SearchStructuresResponse>, Status> {
        let (caller, deadline) = (Caller::of(&request)?.clone(), Deadline::of(&request));
        Ok(Response::new(
            self.search(&caller, deadline, &request.into_inner())
                .await?,
        ))
    }
}

impl Structures {
    async fn get(
        &self,
        caller: &Caller,
        request: &GetStructureRequest,
    ) -> Result<GetStructureResponse> {
        let finess = convert::wanted_structure(&request.finess)?;
        let mut transaction = self.pool.begin().await?;
        let structure = store::structure(&mut transaction, finess).await?;
        let object = format!("structure/finess:{finess}");
        let entry = AuditEntry {
            caller,
            action: "structure.get",
            object: &object,
            outcome: if structure.is_some() {
                Outcome::Done
            } else {
                Outcome::NotVisible
            },
            detail: json!({}),
            at: now(),
        };
        audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        let structure = structure.ok_or(Error::NotFound("structure"))?;
        Ok(GetStructureResponse {
            structure: Some(shown(caller, &structure)),
        })
    }

    async fn search(
        &self,
        caller: &Caller,
        deadline: Option<Deadline>,
        request: &SearchStructuresRequest,
    ) -> Result<SearchStructuresResponse> {
        let words = SearchWords::parse(&request.query)
            .map_err(|refused| Error::invalid("query", refused.reason, refused.description))?;
        let key = words.iter().collect::<Vec<_>>().join(" ");
        let size = convert::page_size(request.page_size, MAX_PAGE);
        let after: Option<NamePosition> = PageToken::decode(&request.page_token, key.as_bytes())?;

        let mut read = read_transaction(&self.read_pool, deadline).await?;
        let mut found = store::search(&mut read, &words, after.as_ref(), size + 1).await?;
        drop(read);
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let entry = AuditEntry {
            caller,
            action: "structure.search",
            object: "structure",
            outcome: Outcome::Done,
            detail: json!({ "continued": after.is_some(), "structures": found.len() }),
            at: now(),
        };
        let mut conn = self.pool.acquire().await?;
        audit(&mut conn, entry).await?;
        drop(conn);

        let next_page_token = match found.last() {
            Some((_, place)) if more => PageToken::encode(place, key.as_bytes()),
            _ => String::new(),
        };
        let structures = found
            .iter()
            .map(|(structure, _)| shown(caller, structure))
            .collect();
        Ok(SearchStructuresResponse {
            structures,
            next_page_token,
        })
    }
}

/// A structure as this caller may see it.
pub(super) fn shown(caller: &Caller, structure: &Structure) -> pb::Structure {
    let status = structure
        .operator_status
        .filter(|_| sees_operator_status(caller, structure));
    convert::structure(structure, status)
}
