//! Requests for information at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::{InformationRequest, Person, Settlement, State};

/// Adds a request to a case that the transaction has locked; gives back its number.
pub(super) async fn insert(conn: &mut PgConnection, request: &InformationRequest) -> Result<u64> {
    let number = sqlx::query_scalar!(
        "insert into information_request (information_request_id, case_id, number, state,
                                          asked_role, asked_subject, asked_at, sealed_question,
                                          due_at)
         select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8
         from information_request where case_id = $2
         returning number",
        request.id,
        request.case_id,
        request.state.as_str(),
        request.asked_by.role.as_str(),
        request.asked_by.subject,
        request.asked_at,
        request.sealed_question,
        request.due_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    follow(conn, request.case_id).await?;
    Ok(number.cast_unsigned())
}

/// Writes how a request of a case that the transaction has locked was settled.
pub(super) async fn settle(conn: &mut PgConnection, request: &InformationRequest) -> Result<()> {
    let settled = request.settled.as_ref();
    sqlx::query!(
        "update information_request
         set state = $2, settled_role = $3, settled_subject = $4, settled_at = $5,
             sealed_answer = $6
         where information_request_id = $1",
        request.id,
        request.state.as_str(),
        settled.map(|settled| settled.by.role.as_str()),
        settled.map(|settled| settled.by.subject.as_str()),
        settled.map(|settled| settled.at),
        settled.and_then(|settled| settled.sealed_answer.as_deref()),
    )
    .execute(&mut *conn)
    .await?;
    follow(conn, request.case_id).await
}

/// Has the case say until when the first of its open requests is to be answered.
async fn follow(conn: &mut PgConnection, case_id: Uuid) -> Result<()> {
    sqlx::query!(
        "update case_file
         set answer_due_at = (
             select min(due_at) from information_request
             where case_id = $1 and state = 'open'
         )
         where case_id = $1",
        case_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The case of a request.
pub(super) async fn case_of(conn: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>> {
    let case_id = sqlx::query_scalar!(
        "select case_id from information_request where information_request_id = $1",
        id,
    );
    Ok(case_id.fetch_optional(conn).await?)
}

/// Reads a request.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<InformationRequest>> {
    let row = sqlx::query_as!(
        Row,
        "select information_request_id, case_id, number, state, asked_role, asked_subject,
                asked_at, sealed_question, due_at, settled_role, settled_subject, settled_at,
                sealed_answer
         from information_request
         where information_request_id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(InformationRequest::from))
}

/// Reads the open requests on a case.
pub(super) async fn open(
    conn: &mut PgConnection,
    case_id: Uuid,
) -> Result<Vec<InformationRequest>> {
    let rows = sqlx::query_as!(
        Row,
        "select information_request_id, case_id, number, state, asked_role, asked_subject,
                asked_at, sealed_question, due_at, settled_role, settled_subject, settled_at,
                sealed_answer
         from information_request
         where case_id = $1 and state = 'open'
         order by number",
        case_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(InformationRequest::from).collect())
}

/// Reads a page of the requests on a case, newest first: those below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<InformationRequest>> {
    let rows = sqlx::query_as!(
        Row,
        "select information_request_id, case_id, number, state, asked_role, asked_subject,
                asked_at, sealed_question, due_at, settled_role, settled_subject, settled_at,
                sealed_answer
         from information_request
         where case_id = $1 and ($2::bigint is null or number < $2)
         order by number desc
         limit $3",
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(InformationRequest::from).collect())
}

struct Row {
    information_request_id: Uuid,
    case_id: Uuid,
    number: i64,
    state: String,
    asked_role: String,
    asked_subject: String,
    asked_at: OffsetDateTime,
    sealed_question: Vec<u8>,
    due_at: Option<OffsetDateTime>,
    settled_role: Option<String>,
    settled_subject: Option<String>,
    settled_at: Option<OffsetDateTime>,
    sealed_answer: Option<Vec<u8>>,
}

impl From<Row> for InformationRequest {
    fn from(row: Row) -> Self {
        let person = |role: &str, subject| Person {
            role: Role::stored(role),
            subject,
        };
        let settled = row
            .settled_role
            .zip(row.settled_subject)
            .zip(row.settled_at);
        Self {
            id: row.information_request_id,
            case_id: row.case_id,
            number: row.number.cast_unsigned(),
            state: State::stored(&row.state),
            asked_by: person(&row.asked_role, row.asked_subject),
            asked_at: row.asked_at,
            sealed_question: row.sealed_question,
            due_at: row.due_at,
            settled: settled.map(|((role, subject), at)| Settlement {
                by: person(&role, subject),
                at,
                sealed_answer: row.sealed_answer,
            }),
        }
    }
}
