//! Who calls, as told by a verified token or certificate.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use vocabulary::{Party, Region, Role, StructureKey};

use crate::{Error, Result};

/// Who calls, as told by a verified token or certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The stable name of the caller, as its issuer or certificate gives it.
    pub subject: String,
    /// What the caller is.
    pub roles: BTreeSet<Role>,
    /// The region for which a regional caller acts.
    pub region: Option<Region>,
    /// The structures whose link to the caller is verified.
    pub structures: BTreeSet<StructureKey>,
    /// When the proof ends; streams end with it.
    pub expires_at: Option<OffsetDateTime>,
}

impl Caller {
    /// The caller of a request that went through the server's stack.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<&Self> {
        request
            .extensions()
            .get::<Self>()
            .ok_or_else(|| Error::unauthenticated("TOKEN_MISSING", "un jeton est requis"))
    }

    /// A caller without a token, who may do only what anyone may.
    pub fn anonymous() -> Self {
        Self {
            subject: "anonymous".to_owned(),
            roles: BTreeSet::from([Role::Anyone]),
            region: None,
            structures: BTreeSet::new(),
            expires_at: None,
        }
    }

    /// Another service of the suite, known by its certificate.
    pub fn service(name: &str) -> Self {
        Self {
            subject: name.to_owned(),
            roles: BTreeSet::from([Role::Service]),
            region: None,
            structures: BTreeSet::new(),
            expires_at: None,
        }
    }

    /// Whether the caller has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The parties for which the caller sees, to match with the stored visibility.
    pub fn parties(&self) -> Vec<String> {
        let mut parties = Vec::new();
        for role in &self.roles {
            match role {
                Role::Analyst => parties.push(Party::Cell),
                Role::SecurityOfficer => parties.push(Party::SecurityOfficer),
                Role::RegionalAgent | Role::Integration => {
                    parties.extend(self.region.map(Party::Region));
                }
                Role::HealthAuthority => parties.push(Party::HealthAuthority),
                Role::Declarant => {
                    parties.extend(self.structures.iter().cloned().map(Party::Structure));
                    parties.push(Party::Subject(self.subject.clone()));
                }
                Role::Importer => parties.push(Party::Importer(self.subject.clone())),
                Role::Prober => parties.push(Party::Probe),
                Role::Editor
                | Role::Correspondent
                | Role::Operator
                | Role::Service
                | Role::Anyone
                | Role::Later(_) => {}
            }
        }
        let mut parties: Vec<String> = parties.iter().map(ToString::to_string).collect();
        parties.sort();
        parties.dedup();
        parties
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(roles: &[Role]) -> Caller {
        Caller {
            subject: "u-17".to_owned(),
            roles: roles.iter().copied().collect(),
            region: Some("76".parse().unwrap()),
            structures: BTreeSet::from(["finess:010000024".parse().unwrap()]),
            expires_at: None,
        }
    }

    #[test]
    fn each_role_sees_for_its_own_party_only() {
        for (role, parties) in [
            (Role::Analyst, vec!["cell"]),
            (Role::SecurityOfficer, vec!["fssi"]),
            (Role::RegionalAgent, vec!["ars:76"]),
            (Role::Integration, vec!["ars:76"]),
            (Role::HealthAuthority, vec!["dgs"]),
            (
                Role::Declarant,
                vec!["structure:finess:010000024", "subject:u-17"],
            ),
            (Role::Importer, vec!["importer:u-17"]),
            (Role::Prober, vec!["probe"]),
            (Role::Editor, vec![]),
            (Role::Correspondent, vec![]),
            (Role::Operator, vec![]),
            (Role::Service, vec![]),
            (Role::Anyone, vec![]),
        ] {
            assert_eq!(caller(&[role]).parties(), parties, "{role}");
        }
    }

    #[test]
    fn a_regional_agent_without_a_region_sees_nothing() {
        let mut agent = caller(&[Role::RegionalAgent]);
        agent.region = None;
        assert!(agent.parties().is_empty());
    }

    #[test]
    fn a_request_outside_the_stack_has_no_caller() {
        let error = Caller::of(&tonic::Request::new(())).unwrap_err();
        assert_eq!(error.code(), "TOKEN_MISSING");
    }
}
