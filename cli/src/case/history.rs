//! The history of a case.

use proto::qualification::v1 as pb;
use vocabulary::Role;

use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

/// Lists the history of a case, newest first.
pub(super) async fn list(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut qualification = client.qualification().await?;
    let listed = pages!(
        qualification.list_case_history(pb::ListCaseHistoryRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListCaseHistoryResponse,
        entries,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.entries, client);
    }
    Ok(())
}

/// Prints entries, one a row.
pub(super) fn print(entries: &[pb::CaseEntry], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("quand", "when"),
        language.pick("action", "action"),
        language.pick("état", "state"),
        language.pick("par", "by"),
        "note",
    ];
    table::print(
        headings,
        entries.iter().map(|entry| {
            let state = word::<vocabulary::CaseState>(entry.state, language);
            [
                client.zone.show(entry.at),
                action(&entry.action, language),
                state,
                actor(&entry.actor, language),
                entry.note.clone(),
            ]
        }),
    );
}

/// What was done, in the person's language; a newer service may do more than we know.
fn action(slug: &str, language: Language) -> String {
    let (french, english) = match slug {
        "opened" => ("ouvert", "opened"),
        "claimed" => ("pris en charge", "claimed"),
        "qualified" => ("qualifié", "qualified"),
        "out_of_scope" => ("mis hors périmètre", "put out of scope"),
        "closed" => ("clos", "closed"),
        "handed_over" => ("transmis", "handed over"),
        "asked" => ("informations demandées", "information asked for"),
        "answered" => ("informations reçues", "information received"),
        "treatment_begun" => ("traitement commencé", "treatment begun"),
        "resolved" => ("déclaré résolu", "declared resolved"),
        "duplicate" => ("marqué comme doublon", "marked as a duplicate"),
        "attached" => ("rattaché", "attached"),
        "detached" => ("détaché", "detached"),
        "reopened" => ("rouvert", "reopened"),
        "amended" => ("déclaration complétée", "declaration amended"),
        "pilot_taken" => ("pilotage pris", "pilotage taken"),
        "care_recorded" => ("offre de soins touchée", "consequence for care recorded"),
        "link_decided" => ("lien du déclarant tranché", "declarant's link decided"),
        "report_attached" => ("rattaché à une structure", "attached to a structure"),
        "withdrawn" => ("retiré", "withdrawn"),
        "noted" => ("noté", "noted"),
        other => (other, other),
    };
    language.pick(french, english).to_owned()
}

/// Who did it: a role, with its subject where that is shown, or the suite itself.
fn actor(told: &str, language: Language) -> String {
    if told == "system" {
        return "Vigie".to_owned();
    }
    let (role, subject) = told.split_once(':').unwrap_or((told, ""));
    let role = role.parse::<Role>().map_or_else(
        |_| role.to_owned(),
        |role| language.pick(role.french(), role.english()).to_owned(),
    );
    format!("{role} {subject}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{action, actor};
    use crate::language::Language::{English, French};

    #[test]
    fn what_was_done_and_by_whom_is_told_in_the_language_of_the_person() {
        assert_eq!(action("pilot_taken", French), "pilotage pris");
        assert_eq!(action("pilot_taken", English), "pilotage taken");
        assert_eq!(action("of_a_later_release", French), "of_a_later_release");
        assert_eq!(
            actor("analyst:analyst-2", French),
            "Analyste de la cellule analyst-2"
        );
        assert_eq!(actor("declarant", English), "Declarant");
        assert_eq!(actor("system", French), "Vigie");
        assert_eq!(actor("of_a_later_release", French), "of_a_later_release");
    }
}
