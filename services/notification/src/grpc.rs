//! What this service answers over gRPC.

pub(crate) mod deliveries;
pub(crate) mod watch;
