//! The metrics of one service, in the text format of Prometheus.

use std::sync::{Mutex, PoisonError};

use prometheus_client::{
    encoding::text,
    registry::{Metric, Registry, Unit},
};

/// The metrics of one service.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Registry>);

impl Metrics {
    /// A registry that is still empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a metric and gives it back; counters get the suffix `_total` by themselves.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.registry().register(name, help, metric.clone());
        metric
    }

    /// Registers a metric whose unit becomes part of its name and gives it back.
    pub fn register_with_unit<M: Metric + Clone>(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        metric: M,
    ) -> M {
        self.registry()
            .register_with_unit(name, help, unit, metric.clone());
        metric
    }

    /// All metrics as text.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry()).expect("writing to a string never fails");
        out
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        // A panic while registering leaves a registry that can still be read.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn a_registered_counter_is_told_with_its_value() {
        let metrics = Metrics::new();
        let counter: Counter = metrics.register("relay_errors", "Errors.", Counter::default());
        counter.inc();
        assert!(metrics.encode().contains("\nrelay_errors_total 1\n"));
    }
}
