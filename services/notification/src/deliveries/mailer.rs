//! Writes mails and hands them to the mail server.

use platform::Watched;
use service::jobs::{Failure, Job};

use super::{message::Sender, smtp::SmtpServer};
use crate::notices::{self, Branding, Content};

/// How mails are written and sent.
#[derive(Clone)]
pub(crate) struct Mailer {
    /// The mail server.
    pub(crate) server: Watched<SmtpServer>,
    /// Who sends.
    pub(crate) sender: Sender,
    /// What messages say of the place they come from.
    pub(crate) branding: Branding,
}

impl Mailer {
    /// Writes the mail of a job and sends it. Its Message-ID is that of the job.
    pub(super) async fn send(
        &self,
        job: &Job,
        address: &str,
        content: &Content,
    ) -> Result<(), Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let mail = notices::mail(content, &self.branding, platform::now());
        let mail = mail.map_err(|_| rejected("template"))?;
        // The span of this attempt where it is recorded, else the request's own.
        let traceparent = platform::traceparent().or_else(|| job.traceparent.clone());
        let (id, dated_at) = (job.job_id, job.first_due_at);
        let message = self
            .sender
            .message(id, address, mail, dated_at, traceparent.as_deref())
            .map_err(|_| rejected("bad_address"))?;
        let sent = self.server.current().send(&message).await;
        #[cfg(feature = "mutants")]
        platform::mutant::crash_point();
        sent
    }
}
