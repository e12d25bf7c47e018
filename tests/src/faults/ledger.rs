//! What clients were told is done, kept where no fault of the suite reaches.

use std::{fs, path::PathBuf};

use proto::intake::v1::{Receipt, SubmitReportRequest};
use serde::{Deserialize, Serialize};
use tokio::{fs::File, io::AsyncWriteExt as _, sync::Mutex};
use uuid::Uuid;

/// The file of all acknowledgements, one line each.
pub(super) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

/// Something that a service acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    /// A report is about to be declared.
    Asked {
        /// What intake keeps of who asks and what for.
        request_key: Uuid,
    },
    /// A report was taken.
    Declared {
        /// The request.
        request_id: Uuid,
        /// The report of its receipt.
        report_id: Uuid,
        /// The reference of its receipt.
        reference: String,
    },
    /// Something was done to a report's case.
    Acted {
        /// The report.
        report_id: Uuid,
        /// What, as the history of the case names it.
        action: String,
    },
    /// Something is about to be said of a report.
    Saying {
        /// What nobody says otherwise.
        words: String,
    },
    /// It was taken.
    Said(Said),
    /// It was refused.
    Refused {
        /// What was said.
        words: String,
    },
}

/// What is said of reports; an acknowledgement is that of an escalation.
pub(super) const KINDS: [&str; 9] = [
    "amendment",
    "timeline",
    "message",
    "question",
    "answer",
    "measure_proposed",
    "measure_accepted",
    "measure_done",
    "acknowledgement",
];

/// Something that was said of a report: an item of its amendments, its timeline, or the
/// conversation on its case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The reference of the report.
    pub(super) reference: String,
    /// What it is: one of [`KINDS`].
    pub(super) kind: String,
    /// The id of the item; of an amendment the reference of the report, and the revision.
    pub(super) item: String,
    /// What it says, which nothing else says; where it says nothing, the item.
    pub(super) words: String,
}

impl Line {
    /// Somebody is about to declare.
    pub(super) fn asked(subject: &str, request: &SubmitReportRequest) -> Self {
        let request_id: Uuid = request.request_id.parse().expect("a UUID");
        let parts = [subject.as_bytes(), request_id.as_bytes()];
        Self::Asked {
            request_key: vocabulary::derived_id("report", &parts),
        }
    }

    /// A report was taken, as its receipt says.
    pub(super) fn declared(request: &SubmitReportRequest, receipt: &Receipt) -> Self {
        Self::Declared {
            request_id: request.request_id.parse().expect("a UUID"),
            report_id: receipt.report_id.parse().expect("a UUID"),
            reference: receipt.reference.clone(),
        }
    }

    /// Something was done to the case of the report of this receipt.
    pub(super) fn acted(receipt: &Receipt, action: &str) -> Self {
        Self::Acted {
            report_id: receipt.report_id.parse().expect("a UUID"),
            action: action.to_owned(),
        }
    }
}

impl Ledger {
    /// Starts an empty ledger.
    pub(super) async fn open(path: PathBuf) -> Self {
        let file = File::create_new(&path).await;
        Self {
            file: Mutex::new(file.expect("the ledger can be made")),
            path,
        }
    }

    /// Writes down what is about to happen.
    pub(super) async fn intend(&self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("a line can be written");
        text.push('\n');
        let mut file = self.file.lock().await;
        file.write_all(text.as_bytes())
            .await
            .expect("the ledger can be written");
        file.flush().await.expect("the ledger can be written");
    }

    /// Writes down to the disk what happened.
    pub(super) async fn note(&self, line: &Line) {
        self.intend(line).await;
        let file = self.file.lock().await;
        file.sync_data().await.expect("the disk takes the ledger");
    }

    /// How many lines there are.
    pub(super) async fn lines(&self) -> usize {
        // Nobody is in the middle of a line.
        let _file = self.file.lock().await;
        self.read().len()
    }

    /// Reads the file back.
    pub(super) fn read(&self) -> Vec<Line> {
        let text = fs::read_to_string(&self.path).expect("the ledger can be read");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a whole line"))
            .collect()
    }
}
