//! What other features make of a case while they work on it.

use std::collections::BTreeSet;

use eventlog::NewEvent;
use platform::{Caller, Error, Result};
use service::{Call, Commands, View, revision_base};
use sqlx::PgConnection;
use vocabulary::{CareImpact, Role};

use super::{
    Actor, Case, Command,
    announce::changed,
    care::knows_of_care,
    decide::{acting_role, decide},
    history,
    rpc::refused,
    store,
};

/// The role in which a caller acts on a case: of those that may do what is asked and through
/// which the caller sees the case, the one that leads it.
///
/// Errors: `PERMISSION_DENIED` where the caller sees the case through other roles alone, which
/// those cannot whose roles were narrowed to the ones that the contract names.
pub(crate) fn acting_on(case: &Case, caller: &Caller, allowed: &[Role]) -> Result<Role> {
    let mut roles = roles_on(case, caller);
    roles.retain(|role| allowed.contains(role));
    if roles.is_empty() {
        return Err(Error::permission_denied(
            "ROLE_MISSING",
            "le rôle qui le permet ne voit pas ce dossier",
        ));
    }
    Ok(acting_role(&roles))
}

/// The roles through which a caller sees a case: none lends its reach to another.
pub(crate) fn roles_on(case: &Case, caller: &Caller) -> BTreeSet<Role> {
    let sees = |role: &Role| {
        let alone = Caller {
            roles: [*role].into(),
            ..caller.clone()
        };
        View::of(&case.visible_to, &alone).is_some()
    };
    caller.roles.iter().copied().filter(sees).collect()
}

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

/// Has the treatment of a case that the transaction of a call has locked begin; announces
/// nothing where it has begun already, or the incident is over.
///
/// Errors: as every change of a case.
pub(crate) async fn treat(
    conn: &mut PgConnection,
    commands: &Commands,
    call: &Call,
    role: Role,
    case: &Case,
) -> Result<Option<NewEvent>> {
    let command = Command::Treat;
    let after = tried(call, role, case, &command)?;
    if after.state == case.state {
        return Ok(None);
    }
    let (_, announcement) = step(conn, commands, call, role, case, &command).await?;
    Ok(Some(announcement))
}

/// The case as it would be after a command, or why that is refused.
fn tried(call: &Call, role: Role, case: &Case, command: &Command) -> Result<Case> {
    let actor = Actor::Person {
        role,
        subject: call.caller.subject.clone(),
    };
    let (after, _) = decide(case, command, actor, call.at).map_err(refused)?;
    Ok(after)
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
        tried(call, role, case, &command)?;
        return Ok((case.clone(), None));
    }
    let (case, announcement) = step(conn, commands, call, role, case, &command).await?;
    Ok((case, Some(announcement)))
}
