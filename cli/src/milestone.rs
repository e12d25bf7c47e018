//! How fast a case was led, as it shows it.

use proto::qualification::v1 as pb;

use crate::client::Client;

/// Prints a step that was reached, or was to be.
pub(crate) fn print(milestone: &pb::Milestone, client: &Client) {
    let language = client.language;
    let step = match milestone.step() {
        pb::MilestoneStep::FirstContact => language.pick("premier contact", "first contact"),
        pb::MilestoneStep::Qualified => language.pick("qualifié", "qualified"),
        pb::MilestoneStep::Resolved => language.pick("résolu", "resolved"),
        pb::MilestoneStep::Closed => language.pick("clos", "closed"),
        pb::MilestoneStep::Unspecified => return,
    };
    let reached = client.zone.show(milestone.reached_at);
    let target = client.zone.show(milestone.target_at);
    let late = if milestone.late {
        language.pick(" (en retard)", " (late)")
    } else {
        ""
    };
    if !reached.is_empty() || !target.is_empty() {
        let until = language.pick("pour le", "due");
        let target = if target.is_empty() {
            target
        } else {
            format!(", {until} {target}")
        };
        let colon = language.pick(" :", ":");
        say!("{step}{colon} {reached}{target}{late}");
    }
}
