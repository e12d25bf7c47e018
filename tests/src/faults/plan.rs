//! What a run under faults is made of.

use std::{ops::Range, path::PathBuf, time::Duration};

use testkit::Weather;

/// What the suite stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// One PostgreSQL and one Redis.
    Single,
    /// A PostgreSQL whose commits wait for a standby, which is promoted half-way,
    /// and a Redis Cluster of three nodes.
    Replicated,
    /// A PostgreSQL that archives, is destroyed half-way, and restored to a moment
    /// a little before.
    Restored,
}

/// What happens in a run, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the dice start from.
    pub seed: u64,
    /// What the suite stands on.
    pub ground: Ground,
    /// Whether the release before serves too, which may not know every call.
    pub beside_the_last: bool,
    /// For how long there are faults, at least.
    pub lasts: Duration,
    /// After how long it is given up to wait for enough.
    pub at_most: Duration,
    /// How many kills there are, at least.
    pub kills: i64,
    /// How often Redis is emptied, at least.
    pub wipes: i64,
    /// How much is declared, at least.
    pub declarations: usize,
    /// From one fault to the next, in milliseconds.
    pub between: Range<u64>,
    /// How the network to PostgreSQL misbehaves; not at all when absent.
    pub weather: Option<Weather>,
    /// How many declare at the same time.
    pub declarants: usize,
    /// How long each of them waits from one declaration to the next, at least.
    pub pace: Duration,
    /// How long somebody asks for one answer: far longer than any fault lasts.
    pub patience: Duration,
    /// How long the services may take to catch up at the end.
    pub catch_up: Duration,
    /// An empty folder for everything that is written, logs and data, to be
    /// looked at afterwards; a throw-away one when absent.
    pub folder: Option<PathBuf>,
}

impl Plan {
    /// A run of a minute and a half: thirty reports a second, and faults of every
    /// kind.
    pub fn short() -> Self {
        Self {
            seed: rand::random(),
            ground: Ground::Single,
            beside_the_last: false,
            lasts: Duration::from_secs(75),
            at_most: Duration::from_mins(10),
            kills: 10,
            wipes: 1,
            declarations: 300,
            between: 3_000..8_000,
            weather: Some(Weather {
                seed: 0,
                between: 50_000..1_500_000,
                delay: 20..800,
                half_open: 500..8_000,
            }),
            declarants: 8,
            pace: Duration::from_millis(260),
            patience: Duration::from_mins(2),
            catch_up: Duration::from_mins(3),
            folder: None,
        }
    }

    /// A run of some minutes on this ground.
    pub fn on(ground: Ground) -> Self {
        Self {
            ground,
            lasts: Duration::from_mins(2),
            kills: 15,
            ..Self::short()
        }
    }

    /// A run of about half an hour: 200,000 reports, 200 kills.
    pub fn long() -> Self {
        Self {
            lasts: Duration::from_mins(1),
            at_most: Duration::from_mins(50),
            kills: 200,
            wipes: 20,
            declarations: 200_000,
            between: 3_500..7_500,
            weather: Some(Weather {
                seed: 0,
                between: 1_000_000..30_000_000,
                delay: 20..800,
                half_open: 500..8_000,
            }),
            // Many at a time: what comes together is committed together.
            declarants: 256,
            pace: Duration::from_millis(500),
            // Four messages a report leave more slowly than reports come.
            catch_up: Duration::from_mins(45),
            ..Self::short()
        }
    }
}
