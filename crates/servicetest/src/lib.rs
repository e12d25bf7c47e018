//! One service between its database, its producers and its callers.
//!
//! The tests of a service start a [`ServiceEnv`] and run the service in it, as often as
//! they need replicas:
//!
//! ```ignore
//! let env = ServiceEnv::start(NAME, &migrators(), &["intake"]).await;
//! let build = |base, metrics| build(Config { base, sealing, producers }, metrics);
//! let service = env.run(build, App::run).await;
//! let user = service.as_user(&TokenSpec::of("ana").role("analyst"));
//! env.producer("intake").announce(&[report_submitted]).await;
//! ```
//!
//! Servers are shared by the tests of one binary; databases, ports, certificates, and
//! event logs are not.

mod client;
mod env;
mod producer;
mod running;

pub use client::{AuthorizedChannel, Bearer, reason, violations};
pub use env::{LOG_KEY, MASTER_KEY, ServiceEnv};
pub use producer::Producer;
pub use running::RunningService;
