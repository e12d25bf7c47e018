//! The service's RPCs: parse, load, decide, store, answer.

mod intake;
mod read;
mod structures;
mod submit;
mod withdraw;

use std::sync::Arc;

use eventlog::Log;
use platform::{SealingKey, Tasks};
use service::Commands;
use sqlx::PgPool;
use vocabulary::ReferenceCipher;

use crate::{batcher::Queue, directory::Directory, domain::Settings, store::ReferenceNumbers};

/// What the RPCs about reports work with.
#[derive(Clone)]
pub(crate) struct Reports {
    pub(crate) pool: PgPool,
    /// Serves lists, apart from writes.
    pub(crate) read_pool: PgPool,
    pub(crate) queue: Arc<Queue>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) numbers: Arc<ReferenceNumbers>,
    pub(crate) references: Arc<ReferenceCipher>,
    pub(crate) master: SealingKey,
    pub(crate) settings: Arc<Settings>,
    pub(crate) commands: Commands,
}

/// What the RPCs about structures work with.
#[derive(Clone)]
pub(crate) struct Structures {
    pub(crate) pool: PgPool,
    /// Serves searches, apart from writes.
    pub(crate) read_pool: PgPool,
    pub(crate) log: Log,
    pub(crate) tasks: Tasks,
    pub(crate) import_max_bytes: u64,
}
