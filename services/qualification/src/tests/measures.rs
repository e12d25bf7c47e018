//! The measures on a case.

mod calls;
mod catalogue;

use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1 as pb,
    types::v1::{self as types, CaseActivity, Role},
};
use testkit::{TokenSpec, eventually};
use tonic::Code;
use uuid::Uuid;

use self::calls::{declarant, proposal};
use crate::tests::env::{TestEnv, agent, analyst, in_scope, out_of_scope, reason, second_analyst};

#[tokio::test]
async fn a_measure_goes_from_its_proposal_to_its_end_and_takes_the_case_into_treatment() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let proposed = env.propose(&id, "Isoler le serveur").await.unwrap();
    assert_eq!(proposed.state(), pb::MeasureState::Proposed);
    assert_eq!(proposed.kind(), types::MeasureKind::Emergency);
    assert_eq!(
        (proposed.number, proposed.text.as_str()),
        (1, "Isoler le serveur")
    );
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::InTreatment);
    let last = case.history.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor.as_str()),
        ("treatment_begun", "analyst:ana")
    );

    let accepted = env.accept(&declarant(), &proposed).await.unwrap();
    assert_eq!(accepted.state(), pb::MeasureState::Accepted);
    // An agent of the region answers on behalf of the structure.
    let done = env.complete(&agent("76"), &accepted).await.unwrap();
    assert_eq!(done.state(), pb::MeasureState::Done);
    assert_eq!(done.title, "Mesure");

    let seen = env.measures(&analyst(), &id).await.unwrap();
    let steps: Vec<_> = seen[0]
        .steps
        .iter()
        .map(|step| (step.state(), step.role(), step.author.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (pb::MeasureState::Proposed, types::Role::Analyst, "ana"),
            (pb::MeasureState::Accepted, types::Role::Declarant, "decl"),
            (
                pb::MeasureState::Done,
                types::Role::RegionalAgent,
                "agent-76"
            ),
        ]
    );
    // Who acted is the cell's to know, in which role is everybody's.
    let seen = env.measures(&declarant(), &id).await.unwrap();
    assert!(seen[0].steps.iter().all(|step| step.author.is_empty()));
    assert_eq!(seen[0].steps[0].role(), types::Role::Analyst);
}

#[tokio::test]
async fn the_first_measure_begins_the_treatment_and_the_others_leave_the_case_as_it_is() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    env.propose(&id, "Isoler le serveur").await.unwrap();
    let begun = env.get(&analyst(), &id).await.unwrap();
    env.propose(&id, "Changer les mots de passe").await.unwrap();
    env.propose(&id, "Restaurer hors ligne").await.unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!((&case.history, &case.etag), (&begun.history, &begun.etag));
    let announced = env.announced(&id).await;
    let begun = announced.iter().filter(|told| {
        let change = told.change();
        change == events::CaseChange::TreatmentBegun
    });
    assert_eq!(begun.count(), 1);
    assert_eq!(env.measures(&analyst(), &id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_the_structure_asks_for_is_answered_by_the_cell_with_a_measure_or_a_reason() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let asked = env
        .ask_for_measures(&id, "Comment restaurer ?")
        .await
        .unwrap();
    assert_eq!(asked.state(), pb::MeasureState::AskedFor);
    assert_eq!(
        (asked.request.as_str(), asked.title.as_str()),
        ("Comment restaurer ?", "")
    );
    assert_eq!(asked.kind(), types::MeasureKind::Unspecified);
    let refused = env.accept(&declarant(), &asked).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");

    let answer = pb::ProposeMeasureRequest {
        measure_id: asked.measure_id.clone(),
        etag: asked.etag.clone(),
        ..proposal(&id, "Restaurer hors ligne")
    };
    let proposed = env.send_proposal(answer).await.unwrap();
    assert_eq!(proposed.measure_id, asked.measure_id);
    assert_eq!(proposed.number, asked.number);
    assert_eq!(
        (proposed.request.as_str(), proposed.text.as_str()),
        ("Comment restaurer ?", "Restaurer hors ligne")
    );

    let other = env
        .ask_for_measures(&id, "Payer la rançon ?")
        .await
        .unwrap();
    let declined = env.decline(&analyst(), &other, "Jamais").await.unwrap();
    assert_eq!(
        (declined.state(), declined.reason.as_str()),
        (pb::MeasureState::Declined, "Jamais")
    );
    let late = pb::ProposeMeasureRequest {
        measure_id: other.measure_id,
        ..proposal(&id, "Trop tard")
    };
    let refused = env.send_proposal(late).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
}

#[tokio::test]
async fn the_structure_declines_and_the_cell_withdraws_what_nobody_answered() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    // Whatever it is meanwhile: the state alone refuses.
    let whatever = |measure| pb::Measure {
        etag: String::new(),
        ..measure
    };
    let first = whatever(env.propose(&id, "Couper internet").await.unwrap());
    let declined = env
        .decline(&declarant(), &first, "Impossible la nuit")
        .await
        .unwrap();
    assert_eq!(declined.reason, "Impossible la nuit");
    let refused = env.withdraw_measure(&first).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");

    let second = whatever(env.propose(&id, "Couper le VPN").await.unwrap());
    let refused = env
        .decline(&analyst(), &second, "Erreur")
        .await
        .unwrap_err();
    assert_eq!(
        reason(&refused),
        "WRONG_STATE",
        "the cell withdraws instead"
    );
    let withdrawn = env.withdraw_measure(&second).await.unwrap();
    assert_eq!(withdrawn.state(), pb::MeasureState::Withdrawn);
    let refused = env.accept(&declarant(), &second).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

#[tokio::test]
async fn measures_are_proposed_only_once_the_case_is_qualified_and_until_it_ends() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let refused = env.propose(&id, "Trop tôt").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
    assert!(env.measures(&analyst(), &id).await.unwrap().is_empty());
    // The structure may ask as soon as the case is open.
    let asked = env.ask_for_measures(&id, "Que faire ?").await.unwrap();
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();
    for refused in [
        env.ask_for_measures(&id, "Encore ?").await.unwrap_err(),
        env.propose(&id, "Trop tard").await.unwrap_err(),
        env.decline(&analyst(), &asked, "Clos").await.unwrap_err(),
    ] {
        assert_eq!(reason(&refused), "WRONG_STATE");
    }
    // As the structure sees it, which does not see who acts.
    assert_eq!(env.measures(&declarant(), &id).await.unwrap(), [asked]);
}

#[tokio::test]
async fn who_reads_messages_to_the_structure_sees_measures_and_nobody_else() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("dgs".into());
    let id = env.open(&report).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let measure = env.propose(&id, "Isoler").await.unwrap();
    let fssi = TokenSpec::of("fssi").role("security_officer");
    for who in [analyst(), fssi, agent("76"), declarant()] {
        let seen = env.measures(&who, &id).await.unwrap();
        assert_eq!(seen[0].text, "Isoler", "{}", who.subject);
    }
    let authority = TokenSpec::of("dgs").role("health_authority");
    let refused = env.measures(&authority, &id).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    let unknown = pb::Measure {
        case_id: Uuid::now_v7().to_string(),
        ..measure.clone()
    };
    for hidden in [&measure, &unknown] {
        let refused = env.accept(&agent("75"), hidden).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::NotFound, "dossier introuvable")
        );
        let refused = env.measures(&agent("75"), &hidden.case_id).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    }
    let outcome = |action: &str, id: &String| (action.into(), id.clone(), "not_visible".into());
    let expected = [&measure, &unknown].map(|it| {
        [
            outcome("measure.accept", &it.case_id),
            outcome("measure.list", &it.case_id),
        ]
    });
    assert_eq!(env.audited("agent-75").await, expected.concat());
    // A measure of another case is none of this one.
    let strange = pb::Measure {
        case_id: env.qualified().await,
        ..measure
    };
    let refused = env.accept(&declarant(), &strange).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_role_lends_its_reach_to_no_other() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let measure = env.propose(&id, "Isoler").await.unwrap();
    // An analyst who declares for another structure sees the case as an analyst alone.
    let both = TokenSpec::of("both").role("analyst").role("declarant");
    let refused = env.decline(&both, &measure, "Pour eux").await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
    let own = TokenSpec::of("decl").role("analyst").role("declarant");
    let declined = env.decline(&own, &measure, "Pour nous").await.unwrap();
    assert_eq!(declined.steps[1].role(), types::Role::Declarant);
}

#[tokio::test]
async fn a_request_sent_again_is_done_once_and_answered_alike_and_a_stale_etag_is_refused() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let request = proposal(&id, "Isoler");
    let first = env.send_proposal(request.clone()).await.unwrap();
    let accepted = env.accept(&declarant(), &first).await.unwrap();
    assert_ne!(accepted.etag, first.etag);
    let again = env.send_proposal(request.clone()).await.unwrap();
    assert_eq!(again, first, "as it was answered then");
    assert_eq!(env.measures(&analyst(), &id).await.unwrap().len(), 1);
    let other = pb::ProposeMeasureRequest {
        content: proposal(&id, "Autre").content,
        ..request
    };
    let refused = env.send_proposal(other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");

    let refused = env.complete(&declarant(), &first).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    env.complete(&declarant(), &accepted).await.unwrap();
}

#[tokio::test]
async fn measures_are_numbered_without_gaps_and_paged_without_loss() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let proposals = (0..7).map(async |n| env.propose(&id, &format!("mesure {n}")).await);
    for proposed in futures::future::join_all(proposals).await {
        proposed.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListMeasuresRequest {
            case_id: id.clone(),
            page_size: 3,
            page_token: token,
        };
        let page = env.measure_client(&analyst()).list_measures(request).await;
        let page = page.unwrap().into_inner();
        seen.extend(page.measures.into_iter().map(|measure| measure.number));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, (1..=7).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn every_step_is_announced_without_what_it_says_which_rests_nowhere_in_the_clear() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let secret = "Le mot de passe du coffre a fuité";
    let asked = env.ask_for_measures(&id, secret).await.unwrap();
    env.decline(&analyst(), &asked, secret).await.unwrap();
    let first = env.propose(&id, secret).await.unwrap();
    let accepted = env.accept(&declarant(), &first).await.unwrap();
    env.complete(&declarant(), &accepted).await.unwrap();
    let second = env.propose(&id, secret).await.unwrap();
    env.withdraw_measure(&second).await.unwrap();

    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select payload from event where event_type = 'vigie.case.activity_recorded.v1'
         order by recorded_at",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let announced: Vec<_> = rows
        .iter()
        .map(|payload| events::CaseActivityRecorded::decode(payload.as_slice()).unwrap())
        .collect();
    let told: Vec<_> = announced
        .iter()
        .map(|it| (it.activity(), it.actor_role(), it.activity_id.as_str()))
        .collect();
    let (asked, first, second) = (&asked.measure_id, &first.measure_id, &second.measure_id);
    assert_eq!(
        told,
        [
            (
                CaseActivity::MeasureAskedFor,
                Role::Declarant,
                asked.as_str()
            ),
            (CaseActivity::MeasureDeclined, Role::Analyst, asked),
            (CaseActivity::MeasureProposed, Role::Analyst, first),
            (CaseActivity::MeasureAccepted, Role::Declarant, first),
            (CaseActivity::MeasureDone, Role::Declarant, first),
            (CaseActivity::MeasureProposed, Role::Analyst, second),
            (CaseActivity::MeasureWithdrawn, Role::Analyst, second),
        ]
    );
    for it in &announced {
        assert!(it.to_structure && it.case_id == id);
        let readers = [
            "ars:76",
            "cell",
            "fssi",
            "structure:finess:010000024",
            "subject:decl",
        ];
        assert_eq!(it.visible_to, readers);
    }

    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from case_measure
                 where position($1 in case_measure::text) > 0
                     or position(convert_to($1, 'UTF8') in sealed_text) > 0)
              + (select count(*) from audit_entry where position($1 in detail::text) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind(secret)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn erasure_takes_the_texts_and_ends_the_measures() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let measure = env.propose(&id, "Isoler").await.unwrap();
    env.announce(&[report.contacts_erased()]).await;
    eventually(async || env.measures(&analyst(), &id).await.unwrap()[0].erased).await;
    let seen = env.measures(&declarant(), &id).await.unwrap();
    assert_eq!((seen[0].title.as_str(), seen[0].text.as_str()), ("", ""));
    assert_eq!(seen[0].state(), pb::MeasureState::Proposed);
    for refused in [
        env.accept(&declarant(), &measure).await.unwrap_err(),
        env.ask_for_measures(&id, "Que faire ?").await.unwrap_err(),
        env.propose(&id, "Autre").await.unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ERASED")
        );
    }
}

#[tokio::test]
async fn a_step_of_a_later_release_is_kept_and_left_alone() {
    let env = TestEnv::start().await;
    let id = env.qualified().await;
    let measure = env.propose(&id, "Isoler").await.unwrap();
    sqlx::query("update case_measure set steps = jsonb_set(steps, '{0,state}', '\"under_way\"')")
        .execute(&env.pool)
        .await
        .unwrap();
    let measure = pb::Measure {
        etag: String::new(),
        ..measure
    };
    let refused = env.accept(&declarant(), &measure).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "LATER_RELEASE")
    );
    let seen = env.measures(&second_analyst(), &id).await.unwrap();
    assert_eq!(
        (seen[0].state(), seen[0].text.as_str()),
        (pb::MeasureState::Unspecified, "Isoler")
    );
}
