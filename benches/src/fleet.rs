//! All four services at work, and what each of them spends.

use anyhow::Result;
use dev::SERVICES;

use crate::{
    scene::{Scene, Service},
    usage,
};

/// All four services at work.
pub(crate) struct Fleet<'a> {
    pub(crate) scene: &'a Scene,
    services: Vec<(&'static str, Service)>,
}

impl<'a> Fleet<'a> {
    /// Starts them one after the other.
    pub(crate) async fn start(scene: &'a Scene) -> Result<Self> {
        let mut services = Vec::new();
        for name in SERVICES {
            services.push((name, scene.start(name, &[]).await?));
        }
        Ok(Self { scene, services })
    }

    /// Has them finish and end.
    pub(crate) fn stop(self) -> Result<()> {
        self.services
            .into_iter()
            .try_for_each(|(_, service)| service.stop())
    }

    /// The services by name.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&'static str, &Service)> {
        self.services.iter().map(|(name, service)| (*name, service))
    }

    /// Processor time spent so far by the services, the servers and, last, the
    /// generator, in milliseconds.
    pub(crate) fn spent(&self) -> Result<Vec<(&'static str, f64)>> {
        let services = self.services().map(|(name, s)| (name, s.process()));
        let servers = [
            ("PostgreSQL", self.scene.postmaster()?),
            ("Redis", self.scene.redis()?),
        ];
        services
            .chain(servers)
            .map(|(name, process)| Ok((name, usage::cpu(process)?)))
            .chain([usage::own_cpu().map(|spent| ("the generator", spent))])
            .collect()
    }
}
