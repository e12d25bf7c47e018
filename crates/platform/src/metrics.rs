//! The metrics of one service, in the text format of Prometheus.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    encoding::text,
    registry::{Metric, Registry, Unit},
};

/// The metrics of one service.
#[derive(Default)]
pub struct Metrics {
    registry: Mutex<Registry>,
    readings: Mutex<Vec<Reading>>,
}

/// Sets gauges to what they should say now.
type Reading = Box<dyn Fn() + Send + Sync>;

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

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

    /// Has gauges set each time that somebody asks for the metrics; nothing that waits
    /// belongs there.
    pub fn on_reading(&self, reading: impl Fn() + Send + Sync + 'static) {
        locked(&self.readings).push(Box::new(reading));
    }

    /// All metrics as text.
    pub fn encode(&self) -> String {
        for reading in locked(&self.readings).iter() {
            reading();
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry()).expect("writing to a string never fails");
        out
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        locked(&self.registry)
    }
}

/// A panic while registering leaves something that can still be read.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

    use super::*;

    #[test]
    fn a_registered_counter_is_told_with_its_value() {
        let metrics = Metrics::new();
        let counter: Counter = metrics.register("relay_errors", "Errors.", Counter::default());
        counter.inc();
        assert!(metrics.encode().contains("\nrelay_errors_total 1\n"));
    }

    #[test]
    fn what_is_read_when_somebody_asks_is_told_as_it_is_then() {
        let metrics = Metrics::new();
        let gauge: Gauge = metrics.register("asked", "How often.", Gauge::default());
        metrics.on_reading(move || {
            gauge.inc();
        });
        assert!(metrics.encode().contains("\nasked 1\n"));
        assert!(metrics.encode().contains("\nasked 2\n"));
    }
}
