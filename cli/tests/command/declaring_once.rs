//! What a report says for other authorities, and whom to reach at its structure.

use serde_json::Value;

use crate::env::{MONTPELLIER, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn a_director_prints_the_dossier_of_a_duty_in_either_language() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    let dossier = [
        "--as", "director", "report", "dossier", &reference, "--duty",
    ];
    let asked = |options: &[&'static str]| [&dossier[..], options].concat();

    let shown = env.run_in("fr_FR.UTF-8", &asked(&["complaint"])).await;
    let shown = shown.stdout();
    assert!(shown.starts_with("Porter plainte"), "{shown}");
    assert!(shown.contains(&reference), "{shown}");
    let facts = "1. Faits (recommandation de la cellule)\nDescription : Postes chiffrés\n";
    assert!(shown.contains(facts), "{shown}");
    assert!(shown.contains("[À compléter]"), "{shown}");
    let english = asked(&["complaint", "--lang", "en"]);
    let english = env.run_in("fr_FR.UTF-8", &english).await.stdout();
    assert!(english.starts_with("File a complaint"), "{english}");
    assert!(english.contains("Malicious act"), "{english}");

    let told = env.run(&asked(&["complaint", "--json"])).await.json();
    assert_eq!(told["locale"], "en");
    let fields = told["fields"].as_array().unwrap();
    let date = fields.iter().find(|it| it["name"] == "complaint_date");
    assert_eq!(date.unwrap()["to_be_completed"], true);
    assert_eq!(fields[0]["sources"][0], "description");

    assert_eq!(env.run(&asked(&["ansm"])).await.code(), 6, "not set off");
    assert_eq!(env.run(&asked(&["police"])).await.code(), 3, "not known");
    let stranger = [&["--as", "ars-28"], &dossier[2..], &["complaint"]].concat();
    assert_eq!(env.run(&stranger).await.code(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structure_keeps_its_contacts_and_erases_who_left() {
    let env = TestEnv::start().await;
    env.import_directory().await;
    let contacts = async |who: &str, words: &[&str]| {
        let command = ["--as", who, "--json", "structure", "contacts"];
        env.run(&[&command[..], words].concat()).await
    };
    let add = |role: &'static str, name: &'static str| {
        let phone = ["--phone", "04 67 00 00 00"];
        let person = ["add", MONTPELLIER, "--role", role, "--family-name", name];
        [&person[..], &phone[..]].concat()
    };
    let officer = "information-security-officer";
    let first = contacts("director", &add("director", "Martin"))
        .await
        .json();
    assert_eq!(first["etag"], "1");
    contacts("ars-76", &add(officer, "Leroux")).await.json();
    let mailbox = ["mailbox", MONTPELLIER, "ssi@example.org"];
    contacts("director", &mailbox).await.json();

    let listed = contacts("fssi", &["list", MONTPELLIER]).await.json();
    assert_eq!(listed["functional_mailbox"], "ssi@example.org");
    assert_eq!(listed["etag"], "3");
    let names = |set: &Value| -> Vec<String> {
        let all = set["contacts"].as_array().cloned().unwrap_or_default();
        let name = |it: &Value| it["contact"]["family_name"].as_str().unwrap().to_owned();
        all.iter().map(name).collect()
    };
    assert_eq!(names(&listed), ["Martin", "Leroux"]);
    let list = [
        "--as",
        "analyst",
        "structure",
        "contacts",
        "list",
        MONTPELLIER,
    ];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    for word in ["Boîte fonctionnelle", "ssi@example.org", "RSSI", "Leroux"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }

    let another = contacts("director", &add("director", "Petit")).await;
    assert_eq!(another.code(), 3, "there is one director");
    let replaced = [&add("director", "Petit")[..], &["--replace"]].concat();
    let replaced = contacts("director", &replaced).await.json();
    assert_eq!(names(&replaced), ["Leroux", "Petit"]);
    let remove = ["remove", MONTPELLIER, "--role", officer];
    let removed = contacts("director", &remove).await.json();
    assert_eq!(names(&removed), ["Petit"]);
    assert_eq!(contacts("director", &remove).await.code(), 4, "nobody left");
    let none = ["mailbox", MONTPELLIER, "--none"];
    let erased = contacts("director", &none).await.json();
    assert!(
        erased["functional_mailbox"]
            .as_str()
            .is_none_or(str::is_empty)
    );

    for stranger in ["ars-28", "director-rouen"] {
        let list = contacts(stranger, &["list", MONTPELLIER]).await;
        assert_eq!(list.code(), 4, "{stranger}");
    }
    let analyst = contacts("analyst", &add("it", "Diallo")).await;
    assert_eq!(analyst.code(), 5, "the cell reads");
    let role = contacts("director", &add("boss", "Diallo")).await;
    assert_eq!(role.code(), 2, "no such role");
}
