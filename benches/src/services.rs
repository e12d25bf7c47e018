//! All four services at work, and what each of them spends.

use anyhow::Result;
use dev::SERVICES;

use crate::{
    environment::{Environment, Service},
    usage,
};

/// All four services at work.
pub(crate) struct Services<'a> {
    pub(crate) environment: &'a Environment,
    services: Vec<(&'static str, Service)>,
}

impl<'a> Services<'a> {
    /// Starts them one after the other.
    pub(crate) async fn start(environment: &'a Environment) -> Result<Self> {
        let mut services = Vec::new();
        for name in SERVICES {
            services.push((name, environment.start(name, &[]).await?));
        }
        Ok(Self {
            environment,
            services,
        })
    }

    /// Has them finish and end.
    pub(crate) fn stop(self) -> Result<()> {
        self.services
            .into_iter()
            .try_for_each(|(_, service)| service.stop())
    }

    /// The services by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Service)> {
        self.services.iter().map(|(name, service)| (*name, service))
    }

    /// Processor time spent so far by the services, the servers and, last, the
    /// generator, in milliseconds.
    pub(crate) fn spent(&self) -> Result<Vec<(&'static str, f64)>> {
        let services = self.iter().map(|(name, s)| (name, s.process()));
        let servers = [
            ("PostgreSQL", self.environment.postmaster()?),
            ("Redis", self.environment.redis()?),
        ];
        services
            .chain(servers)
            .map(|(name, process)| Ok((name, usage::cpu(process)?)))
            .chain([usage::own_cpu().map(|spent| ("the generator", spent))])
            .collect()
    }
}
