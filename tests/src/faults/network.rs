//! The network between the services and PostgreSQL.

use std::{collections::BTreeMap, net::SocketAddr};

use dev::{SERVICES, Suite};
use serde::Serialize;
use testkit::{Proxy, Weather};

use super::plan::Plan;

/// A proxy for each service, in front of the database.
pub(super) struct Network(BTreeMap<&'static str, Proxy>);

/// What befell the connections of a service.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Weathered {
    /// Connections cut.
    pub cut: u64,
    /// Delays.
    pub delayed: u64,
    /// Connections that carried nothing one way for a while, and were then cut.
    pub half_open: u64,
}

impl Network {
    /// Puts proxies in front of the database of a suite.
    pub(super) async fn start(plan: &Plan, suite: &Suite) -> Self {
        let postgres = SocketAddr::from(([127, 0, 0, 1], suite.postgres.port()));
        let mut proxies = BTreeMap::new();
        for (number, service) in (0..).zip(SERVICES) {
            let weather = plan.weather.clone().map(|weather| Weather {
                seed: plan.seed.wrapping_add(number),
                ..weather
            });
            let proxy = Proxy::start(postgres, weather).await;
            proxies.insert(service, proxy.expect("the proxy starts"));
        }
        Self(proxies)
    }

    /// The address of a service's database, through the network.
    pub(super) fn through(&self, service: &str, suite: &Suite, url: &str) -> String {
        let direct = format!(":{}/", suite.postgres.port());
        assert!(
            url.contains(&direct),
            "the address of the database has a port"
        );
        url.replacen(
            &direct,
            &format!(":{}/", self.0[service].address().port()),
            1,
        )
    }

    /// Leads every service to another server, as an address follows a failover.
    pub(super) fn lead_to(&self, postgres: SocketAddr) {
        for proxy in self.0.values() {
            proxy.lead_to(postgres);
        }
    }

    /// What befell the connections of each service.
    pub(super) fn weathered(&self) -> BTreeMap<&'static str, Weathered> {
        let weathered = self.0.iter().map(|(service, proxy)| {
            let mishaps = proxy.mishaps();
            let weathered = Weathered {
                cut: mishaps.cut,
                delayed: mishaps.delayed,
                half_open: mishaps.half_open,
            };
            (*service, weathered)
        });
        weathered.collect()
    }
}
