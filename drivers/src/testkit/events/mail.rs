//! Mails that SES receives.

use serde_json::{Map, Value, json};

use super::arn;
use super::records::records;

/// Creates the event of a mail that SES receives.
#[must_use]
pub fn ses(mail: MailEntry) -> Value {
    records([mail], |number, mail| {
        let MailEntry { from, to, subject, verdicts } = mail;
        let mut receipt = json!({
            "timestamp": "1970-01-01T00:00:00.000Z",
            "processingTimeMillis": 0,
            "recipients": [to],
            "action": {
                "type": "Lambda",
                "functionArn": arn("lambda", "test", |name| format!("function:{name}")),
                "invocationType": "RequestResponse",
            },
        });
        for name in ["spam", "virus", "spf", "dkim", "dmarc"] {
            receipt[format!("{name}Verdict")] = json!({"status": "PASS"});
        }
        for (name, status) in verdicts {
            receipt[name] = json!({"status": status});
        }
        json!({
            "eventSource": "aws:ses",
            "eventVersion": "1.0",
            "ses": {
                "mail": {
                    "timestamp": "1970-01-01T00:00:00.000Z",
                    "source": from,
                    "messageId": format!("mail-{number}"),
                    "destination": [to],
                    "headersTruncated": false,
                    "headers": [],
                    "commonHeaders": {"from": [from], "to": [to], "subject": subject},
                },
                "receipt": receipt,
            },
        })
    })
}

/// A mail that SES receives.
#[derive(Clone, Debug)]
pub struct MailEntry {
    from: String,
    to: String,
    subject: String,
    verdicts: Map<String, Value>,
}

impl MailEntry {
    /// Creates a mail from one address to another, which passes all checks.
    #[must_use]
    pub fn new(from: &str, to: &str) -> Self {
        let subject = String::new();
        Self { from: from.to_owned(), to: to.to_owned(), subject, verdicts: Map::new() }
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    /// Sets the result of a check (`spam`, `virus`, `spf`, `dkim` or `dmarc`) to a status such as
    /// `FAIL`.
    #[must_use]
    pub fn verdict(mut self, check: &str, status: &str) -> Self {
        self.verdicts.insert(format!("{check}Verdict"), status.into());
        self
    }
}
