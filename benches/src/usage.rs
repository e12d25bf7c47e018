//! What processes use of the machine, as the kernel counts it.

use std::fs;

use anyhow::{Context as _, Result};

use crate::generator::count;

/// The unit of times in `/proc` in milliseconds: the kernel counts 100 a second
/// for programs, whatever its own clock is.
const TICK: f64 = 10.0;

/// Processor time of a process and of its children, those that live and those
/// that it has waited for, in milliseconds.
pub(crate) fn cpu(process: u32) -> Result<f64> {
    let head = times(process).with_context(|| format!("process {process} does not run"))?;
    let mut ticks = head.ticks + head.ticks_of_ended_children;
    for entry in fs::read_dir("/proc")? {
        let Some(other) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        // One that has just ended is counted by its parent.
        if let Some(times) = times(other)
            && times.parent == process
        {
            ticks += times.ticks;
        }
    }
    Ok(TICK * count(ticks))
}

/// Processor time of this process, without that of the services, which are its
/// children, in milliseconds.
pub(crate) fn own_cpu() -> Result<f64> {
    let own = times(std::process::id()).context("a process can be looked up")?;
    Ok(TICK * count(own.ticks))
}

/// What a process holds in memory now, in MiB.
pub(crate) fn memory(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .context("a process that runs has memory")?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}

struct Times {
    parent: u32,
    ticks: u64,
    ticks_of_ended_children: u64,
}

/// Reads `/proc/<process>/stat`, whose second field may itself hold spaces and
/// parentheses.
fn times(process: u32) -> Option<Times> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        // utime and stime, then cutime and cstime.
        ticks: number(11)? + number(12)?,
        ticks_of_ended_children: number(13)? + number(14)?,
    })
}
