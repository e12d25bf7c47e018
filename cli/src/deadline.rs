//! Deadlines of an incident, as receipts and cases tell them.

use proto::types::v1 as types;

use crate::client::Client;
use crate::report::word;

/// Prints what is owed until when; nothing where no rule pack says so.
pub(crate) fn print(deadlines: &[types::Deadline], client: &Client) {
    if deadlines.is_empty() {
        return;
    }
    say!("\n{}", client.language.pick("Échéances", "Deadlines"));
    for deadline in deadlines {
        say!("  {} ({})", line(deadline, client), deadline.legal_basis);
    }
}

fn line(deadline: &types::Deadline, client: &Client) -> String {
    let language = client.language;
    let kind = word::<vocabulary::DeadlineKind>(deadline.kind, language);
    let due = match deadline.due_at {
        Some(_) => client.zone.show(deadline.due_at),
        None => language
            .pick("après l'étape précédente", "after the step before")
            .to_owned(),
    };
    let satisfied = match deadline.satisfied_at {
        Some(_) => format!(
            ", {} {}",
            language.pick("satisfaite le", "satisfied"),
            client.zone.show(deadline.satisfied_at)
        ),
        None if deadline.overdue => language.pick(", en retard", ", overdue").to_owned(),
        None => String::new(),
    };
    format!("{kind} → {due}{satisfied}")
}
