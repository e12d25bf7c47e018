//! Which roles may call which RPC, as the contract says.

use crate::StartError;

/// Which roles may call which RPC.
#[derive(Debug)]
pub struct Policy {}

impl Policy {
    /// Reads the policy from encoded descriptors; refuses an RPC without a role.
    pub fn from_descriptors(descriptors: &[u8]) -> Result<Self, StartError> {
        todo!("{}", descriptors.len())
    }
}
