//! What the configuration refuses.

use std::{fs, io::Write as _, time::Duration};

use platform::Files;
use secrecy::ExposeSecret as _;

use super::{NotificationConfig, SmtpConfig, SmtpTls};

fn notification() -> NotificationConfig {
    NotificationConfig::new("vigie@example.org", "fssi@example.org", "cell@example.org")
}

fn refused(smtp: &SmtpConfig) -> Option<String> {
    let settings = notification().delivery(smtp, Duration::ZERO, &Files::default());
    settings.err().map(|error| error.to_string())
}

#[test]
fn neither_a_password_nor_an_address_travels_in_plain_text_beyond_this_machine() {
    let mut password = tempfile::NamedTempFile::new().unwrap();
    password.write_all(b"secret").unwrap();
    for login in [None, Some("vigie".to_owned())] {
        let mut smtp = SmtpConfig::local(25);
        smtp.password_file = login.as_ref().map(|_| password.path().to_owned());
        smtp.username = login;
        for here in ["127.0.0.1", "localhost", "::1"] {
            here.clone_into(&mut smtp.host);
            assert_eq!(refused(&smtp), None);
        }
        "relay.example.org".clone_into(&mut smtp.host);
        let error = refused(&smtp).unwrap();
        assert!(error.starts_with("SMTP_TLS"), "{error}");
        smtp.tls = SmtpTls::Tls;
        assert_eq!(refused(&smtp), None);
    }
}

#[test]
fn a_claim_outlasts_the_longest_attempt() {
    let mut smtp = SmtpConfig::local(25);
    assert_eq!(refused(&smtp), None);
    smtp.timeout_ms = 170_000;
    let error = refused(&smtp).unwrap();
    assert!(error.starts_with("NOTIFICATION_CLAIM_MS"), "{error}");
}

#[test]
fn a_wrong_mailbox_is_named_by_its_variable_and_not_shown() {
    for change in [
        (|config| config.fssi_mailboxes = vec!["nobody there".to_owned()])
            as fn(&mut NotificationConfig),
        |config| config.fssi_mailboxes.clear(),
    ] {
        let mut config = notification();
        change(&mut config);
        let error = config.address_book().unwrap_err().to_string();
        assert!(error.starts_with("NOTIFICATION_FSSI_MAILBOXES"), "{error}");
        assert!(!error.contains("nobody there"), "{error}");
    }
}

#[tokio::test]
async fn the_password_is_the_one_that_the_file_has_now() {
    let mut password = tempfile::NamedTempFile::new().unwrap();
    password.write_all(b"old\n").unwrap();
    let mut smtp = SmtpConfig::local(25);
    smtp.username = Some("vigie".to_owned());
    smtp.password_file = Some(password.path().to_owned());
    let files = Files::default();
    let (mailer, _) = notification()
        .delivery(&smtp, Duration::ZERO, &files)
        .unwrap();
    let login = || {
        let (name, password) = mailer.server.current().login.clone().unwrap();
        (name, password.expose_secret().to_owned())
    };
    assert_eq!(login(), ("vigie".to_owned(), "old".to_owned()));

    fs::write(password.path(), "new\n").unwrap();
    files.poll().await;
    assert_eq!(login(), ("vigie".to_owned(), "new".to_owned()));
}

#[test]
fn a_mail_server_is_not_trusted_by_an_authority_that_is_none() {
    let authority = tempfile::NamedTempFile::new().unwrap();
    for content in ["", "no certificate"] {
        fs::write(authority.path(), content).unwrap();
        let mut smtp = SmtpConfig::local(25);
        smtp.tls = SmtpTls::Tls;
        smtp.ca_file = Some(authority.path().to_owned());
        let refused = refused(&smtp).unwrap();
        assert!(refused.starts_with("SMTP_CA_FILE: "), "{refused}");
        assert!(refused.ends_with("no certificate in PEM"), "{refused}");
    }
}
