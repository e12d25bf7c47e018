//! Which roles may call which RPC, as the contract says.

use std::collections::{BTreeSet, HashMap};

use prost_reflect::{DescriptorPool, ExtensionDescriptor, Kind, MethodDescriptor};
use vocabulary::Role;

use crate::{Caller, Error, Result, StartError};

/// The extension of method options that names the roles.
const ROLES: &str = "vigie.types.v1.roles";
/// Only our own packages have a policy.
const PACKAGE: &str = "vigie.";
/// Exempt by name: health must answer without a token, and reflection is off in production.
const EXEMPT: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Which roles may call which RPC.
#[derive(Debug)]
pub struct Policy {
    rules: HashMap<String, Rule>,
}

/// What the contract says of one RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) shape: Shape,
    /// The roles of which a caller needs one; none for what is exempt.
    access: Access,
}

/// Which way messages stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Unary,
    ClientStream,
    ServerStream,
}

/// Where a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    Public,
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Access {
    Exempt,
    Roles(BTreeSet<Role>),
}

impl Policy {
    /// Reads the policy from encoded descriptors; refuses an RPC without a role.
    pub fn from_descriptors(descriptors: &[u8]) -> Result<Self, StartError> {
        let pool = DescriptorPool::decode(descriptors)
            .map_err(|cause| StartError::unusable("the contract", cause))?;
        let extension = pool.get_extension_by_name(ROLES).ok_or_else(|| {
            StartError::unusable("the contract", "the option of roles is missing")
        })?;
        let mut rules = HashMap::new();
        for service in pool
            .services()
            .filter(|service| service.full_name().starts_with(PACKAGE))
        {
            for method in service.methods() {
                let named = roles(&method, &extension)
                    .ok_or_else(|| StartError::NoRole(method.full_name().to_owned()))?;
                let rule = Rule {
                    service: service.full_name().to_owned(),
                    method: method.name().to_owned(),
                    shape: shape(&method),
                    access: Access::Roles(named),
                };
                rules.insert(format!("/{}/{}", service.full_name(), method.name()), rule);
            }
        }
        Ok(Self { rules })
    }

    /// The services of which a listener may serve something, as often as they have RPCs.
    pub(crate) fn services(&self, listener: Listener) -> impl Iterator<Item = &str> {
        let rules = self.rules.values();
        rules
            .filter(move |rule| rule.served_on(listener))
            .map(|rule| rule.service.as_str())
    }

    /// What the contract says of a path.
    pub(crate) fn find(&self, path: &str) -> Option<Rule> {
        self.rules.get(path).cloned().or_else(|| {
            let (service, method) = path.strip_prefix('/')?.split_once('/')?;
            EXEMPT.contains(&service).then(|| Rule {
                service: service.to_owned(),
                // The name comes from outside: only known ones become labels.
                method: if method == "Check" { "Check" } else { "stream" }.to_owned(),
                shape: if method == "Check" {
                    Shape::Unary
                } else {
                    Shape::ServerStream
                },
                access: Access::Exempt,
            })
        })
    }
}

impl Rule {
    /// Whether calls pass without any proof of who calls, and without limits.
    pub(crate) fn is_exempt(&self) -> bool {
        self.access == Access::Exempt
    }

    /// A rule of the given roles.
    #[cfg(test)]
    pub(crate) fn of_roles(roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            service: "vigie.test.v1.TestService".to_owned(),
            method: "Test".to_owned(),
            shape: Shape::Unary,
            access: Access::Roles(roles.into_iter().collect()),
        }
    }

    /// Whether the listener serves the RPC at all.
    pub(crate) fn served_on(&self, listener: Listener) -> bool {
        match (&self.access, listener) {
            (Access::Exempt, _) => true,
            (Access::Roles(roles), Listener::Internal) => roles.contains(&Role::Service),
            (Access::Roles(roles), Listener::Public) => {
                roles.iter().any(|role| *role != Role::Service)
            }
        }
    }

    /// Whether a call without a token passes.
    pub(crate) fn open_to_anyone(&self) -> bool {
        matches!(&self.access, Access::Roles(roles) if roles.contains(&Role::Anyone))
    }

    /// The caller with those of his roles that may call this, refused when he has
    /// none: who watches a region as a program does not read its contacts because he
    /// also declares.
    pub(crate) fn admit(&self, mut caller: Caller) -> Result<Caller> {
        if let Access::Roles(roles) = &self.access {
            caller.roles.retain(|role| roles.contains(role));
            if caller.roles.is_empty() {
                return Err(Error::permission_denied(
                    "ROLE_MISSING",
                    "aucun de vos rôles ne permet cet appel",
                ));
            }
        }
        Ok(caller)
    }
}

/// The roles of an RPC; `None` when there are none or one is not known.
fn roles(method: &MethodDescriptor, extension: &ExtensionDescriptor) -> Option<BTreeSet<Role>> {
    let Kind::Enum(names) = extension.kind() else {
        return None;
    };
    let options = method.options();
    let value = options.get_extension(extension);
    let roles = value.as_list()?.iter().map(|value| {
        let number = value.as_enum_number()?;
        let name = names
            .get_value(number)?
            .name()
            .strip_prefix("ROLE_")?
            .to_ascii_lowercase();
        name.parse().ok()
    });
    roles
        .collect::<Option<BTreeSet<Role>>>()
        .filter(|roles| !roles.is_empty())
}

fn shape(method: &MethodDescriptor) -> Shape {
    if method.is_server_streaming() {
        Shape::ServerStream
    } else if method.is_client_streaming() {
        Shape::ClientStream
    } else {
        Shape::Unary
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

    use super::*;

    fn policy() -> Policy {
        Policy::from_descriptors(proto::FILE_DESCRIPTOR_SET).unwrap()
    }

    fn with_role(role: Role) -> Caller {
        Caller {
            roles: BTreeSet::from([role]),
            ..Caller::anonymous()
        }
    }

    /// The contract, with one change to each method.
    fn contract(change: impl Fn(&mut DynamicMessage)) -> Vec<u8> {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let set = pool
            .get_message_by_name("google.protobuf.FileDescriptorSet")
            .unwrap();
        let mut set = DynamicMessage::decode(set, proto::FILE_DESCRIPTOR_SET).unwrap();
        each(&mut set, "file", &|file| {
            each(file, "service", &|service| each(service, "method", &change));
        });
        set.encode_to_vec()
    }

    fn each(message: &mut DynamicMessage, field: &str, change: &dyn Fn(&mut DynamicMessage)) {
        for value in message
            .get_field_by_name_mut(field)
            .unwrap()
            .as_list_mut()
            .unwrap()
        {
            if let Value::Message(message) = value {
                change(message);
            }
        }
    }

    #[test]
    fn an_rpc_without_a_role_is_named_and_refused() {
        let contract = contract(|method| {
            if method.get_field_by_name("name").unwrap().as_str() == Some("SubmitReport") {
                method.clear_field_by_name("options");
            }
        });
        let error = Policy::from_descriptors(&contract).unwrap_err().to_string();
        assert!(
            error.contains("vigie.intake.v1.IntakeService.SubmitReport"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_role_is_refused_like_none() {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let roles = pool.get_extension_by_name(ROLES).unwrap();
        let contract = contract(|method| {
            let field = method.get_field_by_name_mut("options").unwrap();
            let options = field.as_message_mut().unwrap();
            let roles = options
                .descriptor()
                .parent_pool()
                .get_extension_by_name(ROLES);
            let roles = roles.expect("the contract has the option");
            options.set_extension(&roles, Value::List(vec![Value::EnumNumber(99)]));
        });
        assert!(roles.is_list());
        assert!(matches!(
            Policy::from_descriptors(&contract),
            Err(StartError::NoRole(_))
        ));
    }

    #[test]
    fn every_rpc_of_the_contract_has_a_rule() {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let policy = policy();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                assert!(policy.find(&path).is_some(), "{path}");
            }
        }
    }

    #[test]
    fn only_the_named_roles_pass() {
        let rule = policy()
            .find("/vigie.intake.v1.IntakeService/SubmitReport")
            .unwrap();
        let mut both = with_role(Role::Declarant);
        both.roles.insert(Role::Editor);
        assert_eq!(rule.admit(both).unwrap().roles, [Role::Declarant].into());
        assert!(rule.admit(with_role(Role::Declarant)).is_ok());
        let error = rule.admit(with_role(Role::Editor)).unwrap_err();
        assert_eq!(error.code(), "ROLE_MISSING");
    }

    #[test]
    fn the_log_is_served_to_services_on_the_internal_listener_only() {
        let rule = policy()
            .find("/vigie.eventlog.v1.EventLogService/Read")
            .unwrap();
        assert!(rule.served_on(Listener::Internal));
        assert!(!rule.served_on(Listener::Public));
        assert!(rule.admit(Caller::service("intake")).is_ok());

        let rule = policy()
            .find("/vigie.intake.v1.IntakeService/SubmitReport")
            .unwrap();
        assert!(!rule.served_on(Listener::Internal));
    }

    #[test]
    fn a_path_outside_the_contract_has_no_rule() {
        for path in [
            "/vigie.intake.v1.IntakeService/Nothing",
            "/x.Y/Z",
            "nonsense",
            "/",
            "",
        ] {
            assert_eq!(policy().find(path), None, "{path}");
        }
    }

    #[test]
    fn health_and_reflection_are_exempt_by_name() {
        assert!(
            policy()
                .find("/grpc.health.v1.Health/Check")
                .unwrap()
                .is_exempt()
        );
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        assert!(policy().find(reflection).unwrap().is_exempt());
    }
}
