//! What comes outside working hours.

use super::*;

#[tokio::test]
async fn a_report_that_a_person_sent_outside_working_hours_is_escalated() {
    let env = on_call().await;
    let by_agency = sent_now(env.report(), types::Channel::Agency);
    let by_structure = sent_now(env.report(), types::Channel::Declarant);
    for report in [&by_agency, &by_structure] {
        let id = env.open(report).await.case_id;
        let escalation = env.escalations(&analyst(), &id).await.remove(0);
        assert_eq!(escalation.cause(), pb::EscalationCause::Report);
    }
    // One runs already when the case is judged major.
    let case = env.get(&analyst(), &by_agency.submitted.reference).await;
    let id = case.unwrap().case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    assert_eq!(env.escalations(&analyst(), &id).await.len(), 1);
}

#[tokio::test]
async fn neither_a_program_nor_a_test_nor_the_armed_forces_own_chain_calls_anybody() {
    let env = on_call().await;
    let imported = sent_now(env.report(), types::Channel::Import);
    let mut test = sent_now(env.report(), types::Channel::Declarant);
    test.submitted.test = true;
    let mut army = sent_now(env.report(), types::Channel::Declarant);
    army.submitted.visible_to = vec!["army".to_owned(), "subject:decl".to_owned()];
    for report in [&imported, &test, &army] {
        env.submit(report).await;
        env.settle(report).await;
    }
    assert_eq!(env.count("select count(*) from case_file").await, 6);
    assert_eq!(env.count("select count(*) from escalation").await, 0);
}

#[tokio::test]
async fn what_came_within_working_hours_calls_nobody() {
    let env = TestEnv::start().await;
    env.put_rota(rota()).await.unwrap();
    // A moment to come, whose escalation would not have lapsed.
    let mut report = env.report();
    let received_at = vocabulary::next_working_time(platform::now() + Duration::DAY);
    report.submitted.received_at = Some(service::wire::timestamp(received_at));
    let id = env.open(&report).await.case_id;
    assert!(env.escalations(&analyst(), &id).await.is_empty());
}

fn sent_now(mut report: Report, channel: types::Channel) -> Report {
    report.submitted.channel = channel.into();
    report.submitted.received_at = Some(service::wire::timestamp(platform::now()));
    report
}
