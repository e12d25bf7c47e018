//! What other features make of a case while they work on it.

use eventlog::NewEvent;
use platform::Result;
use service::{Call, Commands, revision_base};
use sqlx::PgConnection;
use vocabulary::{CareImpact, Role};

use super::{
    Actor, Case, Command, announce::changed, care::knows_of_care, decide::decide, history,
    rpc::refused, store,
};

/// Carries out a command on a case that the transaction of a call has locked, in the role
/// in which the caller acts; gives back the case after it and what it announces.
///
/// Errors: as every change of a case.
pub(crate) async fn step(
    conn: &mut PgConnection,
    commands: &Commands,
    call: &Call,
    role: Role,
    case: &Case,
    command: &Command,
) -> Result<(Case, NewEvent)> {
    let actor = Actor::Person {
        role,
        subject: call.caller.subject.clone(),
    };
    let (case, change) = decide(case, command, actor, call.at).map_err(refused)?;
    store::update_case(conn, &case, change.triage.as_ref()).await?;
    let base = revision_base(&commands.log, conn).await?;
    let announcement = changed(&case, &change, base);
    history::insert(conn, &[change]).await?;
    Ok((case, announcement))
}

/// Has a case that the transaction of a call has locked say what consequences for care
/// say that an agency records; announces nothing where the case says it already.
///
/// Errors: as every change of a case.
pub(crate) async fn record_care(
    conn: &mut PgConnection,
    commands: &Commands,
    call: &Call,
    role: Role,
    case: &Case,
    impact: CareImpact,
) -> Result<(Case, Option<NewEvent>)> {
    let command = Command::RecordCare { impact };
    if knows_of_care(case, impact) {
        let actor = Actor::Person {
            role,
            subject: call.caller.subject.clone(),
        };
        decide(case, &command, actor, call.at).map_err(refused)?;
        return Ok((case.clone(), None));
    }
    let (case, announcement) = step(conn, commands, call, role, case, &command).await?;
    Ok((case, Some(announcement)))
}
