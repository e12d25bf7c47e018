//! Figures, what they should be, and the table of them.

use std::{fs, path::Path};

use anyhow::Result;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::machine::Machine;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At least this much.
    AtLeast(f64),
    /// At most this much.
    AtMost(f64),
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<String>,
    ok: Option<bool>,
    /// Whether it fails the run.
    fails: bool,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    machine: Machine,
    results: Vec<Figure>,
}

impl Target {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Results {
    /// Nothing was measured yet on this machine.
    pub(crate) fn on(machine: Machine) -> Self {
        Self {
            machine,
            results: Vec::new(),
        }
    }

    /// Adds a ratio, which fails the run where it misses its target.
    pub(crate) fn ratio(&mut self, name: impl Into<String>, value: f64, target: Target) {
        self.ratio_within(name, value, target, target);
    }

    /// Adds a ratio that misses its target today: beyond the limit it fails the run.
    pub(crate) fn ratio_within(
        &mut self,
        name: impl Into<String>,
        value: f64,
        target: Target,
        limit: Target,
    ) {
        self.add(name.into(), value, "×", Some(target), Some(limit));
    }

    /// Adds a figure with a target that another machine may miss.
    pub(crate) fn aim(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) {
        self.add(name.into(), value, unit, Some(target), None);
    }

    /// Adds a figure that is only reported.
    pub(crate) fn tell(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.add(name.into(), value, unit, None, None);
    }

    /// The names of the ratios that fail the run.
    pub(crate) fn failed(&self) -> Vec<&str> {
        let failed = self.results.iter().filter(|figure| figure.fails);
        failed.map(|figure| figure.name.as_str()).collect()
    }

    /// The figures for people.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(["figure", "value", "unit", "target", ""]);
        for figure in &self.results {
            let ok = match figure.ok {
                Some(true) => "ok",
                Some(false) => "missed",
                None => "",
            };
            table.add_row([
                figure.name.as_str(),
                &readable(figure.value),
                figure.unit,
                figure.target.as_deref().unwrap_or_default(),
                ok,
            ]);
        }
        format!("{}\n{table}", self.machine)
    }

    /// Writes everything for programs.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)?;
        Ok(fs::write(folder.join("results.json"), json)?)
    }

    fn add(
        &mut self,
        name: String,
        value: f64,
        unit: &'static str,
        target: Option<Target>,
        limit: Option<Target>,
    ) {
        println!("{name}: {} {unit}", readable(value));
        self.results.push(Figure {
            name,
            value,
            unit,
            target: target.map(Target::words),
            ok: target.map(|target| target.holds(value)),
            fails: limit.is_some_and(|limit| !limit.holds(value)),
        });
    }
}

/// Three digits that count.
fn readable(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The value in the middle.
///
/// # Panics
///
/// When there is none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
