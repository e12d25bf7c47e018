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
    domain::{Facts, Structure, StructureIdentifier, is_placeholder},
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
