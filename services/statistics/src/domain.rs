//! What counts and how: pure, without input, output or clock.

mod fact;
mod figures;
mod month;
mod rate;
mod rollup;
mod scope;

pub(crate) use fact::{Assessment, CaseKnowledge, Fact, Knowledge, Standing, Submission};
pub(crate) use figures::{BASIS, BreakdownRow, Figure, Share, Tally, Unit, overview};
pub(crate) use month::{Month, Period};
pub(crate) use rate::Tenths;
pub(crate) use rollup::{Along, Axis, Counts, Dimension, NOT_SAID, contributions, difference};
pub(crate) use scope::Scope;
