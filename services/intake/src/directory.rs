//! Looks structures up for declarations: those asked for while a question is under
//! way go together into the next one.

use std::time::Duration;

use platform::{Result, Tasks};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use vocabulary::Finess;

use crate::{
    domain::{Structure, StructureIdentifier},
    store,
};

/// How many structures one question asks for.
const TOGETHER: usize = 64;
/// How long the others wait for a question: one over a connection that died must not
/// hold up everybody.
const PATIENCE: Duration = Duration::from_secs(1);

/// The directory of structures, as declarations use it.
#[derive(Debug)]
pub(crate) struct Directory {
    pool: PgPool,
    sites: mpsc::Sender<Wanted>,
}

/// Somebody who waits for a site.
#[derive(Debug)]
struct Wanted {
    finess: Finess,
    /// Dropped when the question failed.
    answer: oneshot::Sender<Option<Structure>>,
}

impl Directory {
    /// Starts the one who asks.
    pub(crate) fn start(pool: &PgPool, tasks: &Tasks, closing: &CancellationToken) -> Self {
        let (sites, wanted) = mpsc::channel(TOGETHER);
        tasks.spawn("directory", ask(pool.clone(), wanted, closing.clone()));
        Self {
            pool: pool.clone(),
            sites,
        }
    }

    /// The entry that an identifier names: the site, or a site of a legal entity, in
    /// its own department if there is one, or the first site of a SIRET.
    pub(crate) async fn entry(
        &self,
        identifier: &StructureIdentifier,
    ) -> Result<Option<Structure>> {
        match identifier {
            StructureIdentifier::Finess(finess) => {
                if let Some(site) = self.site(*finess).await? {
                    return Ok(Some(site));
                }
                let mut conn = self.pool.acquire().await?;
                store::site_of_entity(&mut conn, *finess).await
            }
            StructureIdentifier::Siret(siret) => {
                let mut conn = self.pool.acquire().await?;
                store::site_of_siret(&mut conn, *siret).await
            }
            StructureIdentifier::Rpps(_) | StructureIdentifier::Described { .. } => Ok(None),
        }
    }

    async fn site(&self, finess: Finess) -> Result<Option<Structure>> {
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted { finess, answer };
        if self.sites.send(wanted).await.is_ok()
            && let Ok(site) = answered.await
        {
            return Ok(site);
        }
        // What went wrong with the question of all is told to each by its own.
        let mut conn = self.pool.acquire().await?;
        store::structure(&mut conn, finess).await
    }
}

/// Asks for what is wanted until `closing`.
async fn ask(pool: PgPool, mut wanted: mpsc::Receiver<Wanted>, closing: CancellationToken) {
    let mut together = Vec::with_capacity(TOGETHER);
    while closing
        .run_until_cancelled(wanted.recv_many(&mut together, TOGETHER))
        .await
        .is_some_and(|count| count > 0)
    {
        let numbers: Vec<Finess> = together.iter().map(|wanted| wanted.finess).collect();
        let question = async {
            let mut conn = pool.acquire().await?;
            store::sites(&mut conn, &numbers).await
        };
        match timeout(PATIENCE, question).await {
            Ok(Ok(sites)) => {
                for Wanted { finess, answer } in together.drain(..) {
                    // Whoever went away needs it no more.
                    let _ = answer.send(sites.get(&finess).cloned());
                }
            }
            Ok(Err(_)) | Err(_) => together.clear(),
        }
    }
}
