//! The journeys of the documentation, walked as they stand.

use testkit::eventually;

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn the_journeys_of_the_documentation_lead_from_the_first_alarm_to_the_closed_case() {
    let env = TestEnv::start().await;
    let page = include_str!("../../../docs/journeys.md").replace("\\\n", "");
    let commands = page.lines().filter_map(|line| line.strip_prefix("$ "));
    let mut reference = String::new();
    let mut closed = Vec::new();
    for command in commands {
        let line = command.replace("<reference>", &reference);
        let line = line.replace("<request>", &env.first_of(&line, &reference).await);
        let line = line.replace("<escalation>", &env.second_call(&line, &reference).await);
        // What another service does by an event comes a moment later.
        eventually(async || {
            let done = env.shell(&line).await;
            assert!(
                [0, 4, 6].contains(&done.code()),
                "{line}: {}",
                done.stderr()
            );
            done.code() == 0
        })
        .await;
        if command.contains("report submit ") {
            let list = ["--as", "director", "--json", "report", "list"];
            let listed = env.run(&list).await.json();
            let latest = &listed["reports"][0]["reference"];
            latest.as_str().unwrap().clone_into(&mut reference);
            env.case_opened(&reference).await;
        }
        if command.contains("case close ") {
            closed.push(reference.clone());
        }
    }
    for reference in &closed {
        let show = ["--as", "analyst", "--json", "case", "show", reference];
        let case = env.run(&show).await.json();
        assert_eq!(case["state"], "CASE_STATE_CLOSED");
    }
    let [night, outage] = closed.as_slice() else {
        panic!("two journeys")
    };
    let show = ["--as", "analyst", "--json", "case", "show", night];
    let case = env.run(&show).await.json();
    assert_eq!(case["confirmed"]["severity"]["major"], true);
    assert_eq!(case["pilot"], "fssi");
    let list = ["--as", "analyst", "--json", "case", "attached", outage];
    let attached = env.run(&[&list[..], &["--limit", "200"]].concat()).await;
    assert_eq!(attached.json()["cases"].as_array().unwrap().len(), 199);
}

impl TestEnv {
    /// The request for information that waits on a case, where a command names it.
    async fn first_of(&self, line: &str, reference: &str) -> String {
        if !line.contains("<request>") {
            return String::new();
        }
        let list = [
            "--as",
            "analyst",
            "--json",
            "information",
            "list",
            reference,
        ];
        let listed = self.run(&list).await.json();
        let id = &listed["information_requests"][0]["information_request_id"];
        id.as_str().unwrap().to_owned()
    }

    /// The escalation of a case once its second person was called, where a command names it.
    async fn second_call(&self, line: &str, reference: &str) -> String {
        if !line.contains("<escalation>") {
            return String::new();
        }
        let list = ["--as", "analyst", "--json", "escalation", "list", reference];
        let running = async || self.run(&list).await.json()["escalations"][0].clone();
        let called = async || running().await["calls"].as_array().map_or(0, Vec::len);
        eventually(async || called().await >= 2).await;
        running().await["escalation_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
