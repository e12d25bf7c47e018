//! What the contract says of every RPC, read without the help of the servers.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, MethodDescriptor};

/// One RPC of the suite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rpc {
    /// As in `vigie.intake.v1.IntakeService`.
    pub(crate) service: String,
    /// As in `SubmitReport`.
    pub(crate) method: String,
    /// The slugs of the roles that may call it.
    pub(crate) roles: BTreeSet<String>,
}

impl Rpc {
    /// Where it is called.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }

    /// Its name without its package, as in `IntakeService/SubmitReport`.
    pub(crate) fn name(&self) -> String {
        let service = self.service.rsplit('.').next().unwrap_or_default();
        format!("{service}/{}", self.method)
    }

    /// Whether services alone may call it, on their own listener.
    pub(crate) fn is_internal(&self) -> bool {
        self.roles.iter().all(|role| role == "service")
    }

    /// Whether it asks for no token.
    pub(crate) fn is_open(&self) -> bool {
        self.roles.contains("anyone")
    }

    /// The services that serve it: every one has consumers, three have a log, and the
    /// package names the others.
    pub(crate) fn hosts(&self) -> &'static [&'static str] {
        match self.name().split('/').next() {
            Some("ConsumerService") => &dev::SERVICES,
            Some("EventLogService") => &["intake", "qualification", "notification"],
            _ => {
                let package = self.service.split('.').nth(1);
                let host = dev::SERVICES.iter().position(|name| Some(*name) == package);
                let host = host.unwrap_or_else(|| panic!("nobody serves {}", self.service));
                &dev::SERVICES[host..=host]
            }
        }
    }
}

/// Every RPC of the contract.
pub(crate) fn rpcs() -> Vec<Rpc> {
    let pool = pool();
    let services = pool.services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let rpcs: Vec<Rpc> = methods.map(|method| rpc(&pool, &method)).collect();
    assert!(!rpcs.is_empty(), "the contract has no RPC");
    rpcs
}

/// The slugs of all roles there are.
pub(crate) fn roles() -> Vec<String> {
    let pool = pool();
    let roles = pool.get_enum_by_name("vigie.types.v1.Role").unwrap();
    let named = roles.values().filter(|role| role.number() != 0);
    named.map(|role| slug(role.name())).collect()
}

fn rpc(pool: &DescriptorPool, method: &MethodDescriptor) -> Rpc {
    let option = pool.get_extension_by_name("vigie.types.v1.roles").unwrap();
    let names = pool.get_enum_by_name("vigie.types.v1.Role").unwrap();
    let options = method.options();
    let roles = options.get_extension(&option);
    let roles = roles.as_list().unwrap().iter().map(|role| {
        let number = role.as_enum_number().unwrap();
        slug(names.get_value(number).unwrap().name())
    });
    Rpc {
        service: method.parent_service().full_name().to_owned(),
        method: method.name().to_owned(),
        roles: roles.collect(),
    }
}

fn slug(name: &str) -> String {
    name.strip_prefix("ROLE_").unwrap().to_ascii_lowercase()
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap()
}
