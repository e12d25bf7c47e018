//! The contracts of Vigie as Rust types and gRPC stubs, generated from `proto/`.

#![expect(missing_docs, clippy::pedantic, reason = "generated code; the contract is documented in proto/")]

mod convert;
mod payload;

pub use payload::Payload;

pub mod types {
    pub mod v1 {
        tonic::include_proto!("vigie.types.v1");
    }
}
pub mod events {
    pub mod v1 {
        tonic::include_proto!("vigie.events.v1");
    }
}
pub mod eventlog {
    pub mod v1 {
        tonic::include_proto!("vigie.eventlog.v1");
    }
}
pub mod intake {
    pub mod v1 {
        tonic::include_proto!("vigie.intake.v1");
    }
}
pub mod qualification {
    pub mod v1 {
        tonic::include_proto!("vigie.qualification.v1");
    }
}
pub mod notification {
    pub mod v1 {
        tonic::include_proto!("vigie.notification.v1");
    }
}
pub mod statistics {
    pub mod v1 {
        tonic::include_proto!("vigie.statistics.v1");
    }
}

/// The descriptors of all contracts, with their options: for reflection and for
/// the policy of roles.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
