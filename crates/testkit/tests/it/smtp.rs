//! The mail server keeps its promises.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use testkit::{SmtpBehaviour, SmtpOptions, SmtpSink};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// A sender that says lines and listens to the last line of each answer.
struct Sender(BufReader<TcpStream>);

impl Sender {
    async fn greeted_by(address: SocketAddr) -> Self {
        let mut sender = Self(BufReader::new(TcpStream::connect(address).await.unwrap()));
        assert!(sender.hear().await.starts_with("220"));
        sender
    }

    async fn say(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).await.unwrap();
        self.hear().await
    }

    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    async fn send(&mut self, text: &str) -> String {
        self.say("MAIL FROM:<vigie@example.invalid> BODY=8BITMIME")
            .await;
        self.say("RCPT TO:<ars@example.invalid>").await;
        assert!(self.say("DATA").await.starts_with("354"));
        self.say(&format!("{text}\r\n.")).await
    }
}

#[tokio::test]
async fn a_mail_is_kept_with_its_envelope_and_its_protected_dots() {
    let sink = SmtpSink::start().await;
    let mut sender = Sender::greeted_by(sink.address()).await;
    assert!(sender.say("EHLO me").await.starts_with("250"));

    let answer = sender
        .send("Message-ID: <1@x>\r\nSubject: hello\r\n\r\n..dot\r\nend")
        .await;
    assert!(answer.starts_with("250"));

    let mails = sink.wait_for(1).await;
    assert_eq!(mails[0].from, "vigie@example.invalid");
    assert_eq!(mails[0].to, ["ars@example.invalid"]);
    assert_eq!(mails[0].message_id().as_deref(), Some("<1@x>"));
    assert_eq!(mails[0].text(), ".dot\nend\n");
    assert!(sender.say("QUIT").await.starts_with("221"));
    sink.forget();
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn it_refuses_as_many_recipients_as_it_was_told() {
    let sink = SmtpSink::start().await;
    sink.refuse_next(1, 450);
    sink.refuse_recipient("gone@example.invalid", 550);
    let mut sender = Sender::greeted_by(sink.address()).await;
    sender.say("MAIL FROM:<a@example.invalid>").await;

    assert!(
        sender
            .say("RCPT TO:<b@example.invalid>")
            .await
            .starts_with("450")
    );
    assert!(sender.say("DATA").await.starts_with("503"));
    assert!(
        sender
            .say("RCPT TO:<b@example.invalid>")
            .await
            .starts_with("250")
    );
    assert!(
        sender
            .say("RCPT TO:<gone@example.invalid>")
            .await
            .starts_with("550")
    );
    sink.refuse_nobody();
    assert!(
        sender
            .say("RCPT TO:<gone@example.invalid>")
            .await
            .starts_with("250")
    );
}

#[tokio::test]
async fn a_hanging_server_goes_on_when_it_behaves() {
    let sink = SmtpSink::start().await;
    sink.behave(SmtpBehaviour::Hang);
    let mut greeted = pin!(Sender::greeted_by(sink.address()));
    let silence = timeout(Duration::from_millis(100), &mut greeted).await;
    assert!(silence.is_err());

    sink.behave(SmtpBehaviour::Accept);

    assert!(greeted.await.say("NOOP").await.starts_with("250"));
}

#[tokio::test]
async fn a_dropping_server_ends_open_connections_too() {
    let sink = SmtpSink::start().await;
    let mut sender = Sender::greeted_by(sink.address()).await;
    sink.behave(SmtpBehaviour::Drop);
    let mut nothing = String::new();
    assert_eq!(sender.0.read_line(&mut nothing).await.unwrap(), 0);
}

#[tokio::test]
async fn a_mail_can_be_kept_without_the_sender_being_told() {
    let sink = SmtpSink::start().await;
    sink.behave(SmtpBehaviour::DropAfterMail);
    let mut sender = Sender::greeted_by(sink.address()).await;

    assert_eq!(sender.send("Subject: twice\r\n\r\n").await, "");

    let mail = sink.wait_for_mail(|mail| mail.subject() == "twice").await;
    assert_eq!(mail.to.len(), 1);
}

#[tokio::test]
async fn every_kept_mail_is_told_to_whoever_wants_to_know() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = SmtpSink::start_with(SmtpOptions {
        on_mail: Some(Arc::new({
            let told = Arc::clone(&told);
            move |mail| told.lock().unwrap().push(mail.subject())
        })),
        ..SmtpOptions::default()
    })
    .await
    .unwrap();
    let mut sender = Sender::greeted_by(sink.address()).await;
    sender.send("Subject: news\r\n\r\n").await;
    assert_eq!(*told.lock().unwrap(), ["news"]);
}
