//! The world around the suite on one machine: private servers, a local issuer
//! of tokens, certificates and doubles of the mail and trace servers.
//!
//! Tests take what they need with one call and never clean up: every server
//! ends with the process that started it, however that process ends.
//!
//! ```no_run
//! # async fn story() {
//! let database = testkit::postgres().await.database("intake_store").await;
//! let issuer = testkit::Issuer::start().await;
//! let token = issuer.token(&testkit::TokenSpec::of("alice").role("analyst"));
//! println!("{} {token}", database.url("intake"));
//! # }
//! ```

mod background;
mod certificates;
mod eventually;
mod folder;
mod guard;
mod issuer;
mod mail;
mod otlp;
mod ports;
mod postgres;
mod processes;
mod proxy;
mod redis;
mod smtp;

pub use crate::certificates::Certificates;
pub use crate::eventually::{eventually, eventually_some, eventually_within, some_within};
pub use crate::folder::Folder;
pub use crate::issuer::{
    AUDIENCE, Bilingual, CLIENT_ID, Defect, Identity, Issuer, IssuerOptions, TokenSpec,
};
pub use crate::mail::Mail;
pub use crate::otlp::{OtlpReceiver, ReceivedSpan};
pub use crate::ports::free_port;
pub use crate::postgres::{
    Backup, Database, Point, Postgres, PostgresOptions, SERVICES, Standby, Synchrony, postgres,
};
pub use crate::proxy::{Mishaps, Proxy, Weather};
pub use crate::redis::{
    Redis, RedisCluster, RedisClusterOptions, RedisOptions, RedisSentinel, RedisSentinelOptions,
    redis,
};
pub use crate::smtp::{OnMail, SmtpBehaviour, SmtpOptions, SmtpSink};
