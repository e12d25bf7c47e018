//! The numbers behind the references for people.

use std::ops::Range;

use platform::{Error, Result};
use sqlx::PgPool;
use tokio::sync::Mutex;

/// How many numbers a program takes at once; the increment of the sequence.
const BLOCK: u32 = 1_000;

/// The numbers behind the references, taken from the database in blocks.
#[derive(Debug)]
pub(crate) struct ReferenceNumbers {
    pool: PgPool,
    block: Mutex<Range<u32>>,
}

impl ReferenceNumbers {
    /// Takes the first block when the first number is asked for.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            block: Mutex::new(0..0),
        }
    }

    /// A number that no other report has.
    pub(crate) async fn next(&self) -> Result<u32> {
        let mut block = self.block.lock().await;
        if let Some(number) = block.next() {
            return Ok(number);
        }
        let start = sqlx::query_scalar!(r#"select nextval('report_number') as "start!""#)
            .fetch_one(&self.pool)
            .await?;
        let start = u32::try_from(start).map_err(Error::internal)?;
        *block = start + 1..start + BLOCK;
        Ok(start)
    }
}
