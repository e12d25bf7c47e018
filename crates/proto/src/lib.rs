//! The contracts of Vigie as Rust types and gRPC stubs, generated from `proto/`.

mod convert;
mod payload;

pub use convert::{number, numbers};
pub use payload::{Payload, consumers_of, types_for, types_not_for};

/// The generated modules, one for each package of the contract.
macro_rules! packages {
    ($($name:ident = $package:literal),+ $(,)?) => {$(
        #[doc = concat!("The package `", $package, "`.")]
        #[allow(
            missing_docs,
            clippy::pedantic,
            clippy::allow_attributes,
            clippy::large_enum_variant,
            reason = "generated; the contract is documented in proto/"
        )]
        pub mod $name {
            /// The first version.
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )+};
}

packages! {
    types = "vigie.types.v1",
    events = "vigie.events.v1",
    eventlog = "vigie.eventlog.v1",
    intake = "vigie.intake.v1",
    qualification = "vigie.qualification.v1",
    notification = "vigie.notification.v1",
    statistics = "vigie.statistics.v1",
}

/// The descriptors of all contracts, with their options: for reflection and for
/// the policy of roles.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
