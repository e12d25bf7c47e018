//! Looks structures up for declarations. Lookups that arrive while a query runs share
//! the next one.

use std::time::Duration;

use platform::{Result, Tasks};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use vocabulary::Finess;

use super::{Structure, store};
use crate::reports::{Facts, StructureIdentifier, is_placeholder};

/// The most lookups of one query.
const BATCH: usize = 64;
/// The time limit of a query: one on a dead connection must not block the next lookups.
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);

/// The directory of structures, as declarations use it.
#[derive(Debug)]
pub(crate) struct Directory {
    pool: PgPool,
    lookups: mpsc::Sender<Lookup>,
}

/// A lookup of one site.
#[derive(Debug)]
struct Lookup {
    finess: Finess,
    /// Dropped when the query fails.
    response: oneshot::Sender<Option<Structure>>,
}

impl Directory {
    /// Spawns the task that runs the queries.
    pub(crate) fn start(pool: &PgPool, tasks: &Tasks, closing: &CancellationToken) -> Self {
        let (lookups, received) = mpsc::channel(BATCH);
        let task = run_lookups(pool.clone(), received, closing.clone());
        tasks.spawn("directory", task);
        Self {
            pool: pool.clone(),
            lookups,
        }
    }

    /// The entries that bear the number of a declared structure: the site, or the sites
    /// of the legal entity or of the SIRET, those of its department first.
    pub(crate) async fn entries(&self, facts: &Facts) -> Result<Vec<Structure>> {
        match &facts.structure {
            StructureIdentifier::Finess(finess) => {
                if let Some(site) = self.site(*finess).await? {
                    return Ok(vec![site]);
                }
                let department = facts.department.or(facts.department());
                let mut conn = self.pool.acquire().await?;
                store::sites_of_entity(&mut conn, *finess, department).await
            }
            StructureIdentifier::Siret(siret) if !is_placeholder(siret) => {
                let mut conn = self.pool.acquire().await?;
                store::sites_of_siret(&mut conn, *siret, facts.department).await
            }
            StructureIdentifier::Siret(_)
            | StructureIdentifier::Rpps(_)
            | StructureIdentifier::Described { .. } => Ok(Vec::new()),
        }
    }

    async fn site(&self, finess: Finess) -> Result<Option<Structure>> {
        let (response, received) = oneshot::channel();
        let lookup = Lookup { finess, response };
        if self.lookups.send(lookup).await.is_ok()
            && let Ok(site) = received.await
        {
            return Ok(site);
        }
        // The shared query failed: a query of its own gives each caller its error.
        let mut conn = self.pool.acquire().await?;
        Ok(store::sites(&mut conn, &[finess]).await?.remove(&finess))
    }
}

/// Runs the lookups in batches until `closing`.
async fn run_lookups(
    pool: PgPool,
    mut lookups: mpsc::Receiver<Lookup>,
    closing: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while closing
        .run_until_cancelled(lookups.recv_many(&mut batch, BATCH))
        .await
        .is_some_and(|count| count > 0)
    {
        let numbers: Vec<Finess> = batch.iter().map(|lookup| lookup.finess).collect();
        let query = async {
            let mut conn = pool.acquire().await?;
            store::sites(&mut conn, &numbers).await
        };
        match timeout(QUERY_TIMEOUT, query).await {
            Ok(Ok(sites)) => {
                for Lookup { finess, response } in batch.drain(..) {
                    // The call may have been cancelled.
                    let _ = response.send(sites.get(&finess).cloned());
                }
            }
            Ok(Err(_)) | Err(_) => batch.clear(),
        }
    }
}
