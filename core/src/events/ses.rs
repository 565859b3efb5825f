//! Mail that SES receives.

use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::{Object, Value};
use crate::json::JsonError;
use crate::printing::prints;

/// A mail received by SES, without its body, which SES only stores if a rule says so. Missing
/// values are empty.
#[derive(Clone)]
pub struct SesRecord<'a> {
    /// SES's id of the mail. A rule that stores mails in S3 uses it as the key.
    pub message_id: Text<'a>,
    /// The envelope sender (`MAIL FROM`). It may be forged; check the verdicts.
    pub source: Text<'a>,
    /// The recipients in the mail's headers.
    pub destination: Vec<Text<'a>>,
    /// The recipients that matched the rule.
    pub recipients: Vec<Text<'a>>,
    /// The subject.
    pub subject: Text<'a>,
    /// When SES received the mail, in SES's format.
    pub timestamp: Text<'a>,
    /// Whether the mail is spam.
    pub spam: Verdict,
    /// Whether the mail contains a virus.
    pub virus: Verdict,
    /// Whether the sending server may use the sender's address (SPF).
    pub spf: Verdict,
    /// Whether the mail is signed by the domain that it names (DKIM).
    pub dkim: Verdict,
    /// Whether the mail passes the policy of its `From` domain (DMARC).
    pub dmarc: Verdict,
    text: Text<'a>,
}

prints!(SesRecord<'_>: message_id, timestamp, spam, virus, spf, dkim, dmarc);

/// SES's verdict on a mail.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The mail passed the check.
    Pass,
    /// The mail failed the check.
    Fail,
    /// The check has no clear result, for example because the mail is not signed.
    Gray,
    /// The check did not run, failed, or is missing.
    Unknown,
}

impl Verdict {
    fn of(receipt: Object<'_, '_>, name: &str) -> Result<Self, JsonError> {
        Ok(match &*receipt.object(name)?.text("status")? {
            "PASS" => Self::Pass,
            "FAIL" => Self::Fail,
            "GRAY" => Self::Gray,
            _ => Self::Unknown,
        })
    }
}

impl<'a> SesRecord<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the record is from another
    /// service than its event.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|object| {
            let ses = object.object("ses")?;
            let (mail, receipt) = (ses.object("mail")?, ses.object("receipt")?);
            Ok(Self {
                message_id: mail.text("messageId")?.into(),
                source: mail.text("source")?.into(),
                destination: texts(mail.get("destination")?)?,
                recipients: texts(receipt.get("recipients")?)?,
                subject: mail.object("commonHeaders")?.text("subject")?.into(),
                timestamp: mail.text("timestamp")?.into(),
                spam: Verdict::of(receipt, "spamVerdict")?,
                virus: Verdict::of(receipt, "virusVerdict")?,
                spf: Verdict::of(receipt, "spfVerdict")?,
                dkim: Verdict::of(receipt, "dkimVerdict")?,
                dmarc: Verdict::of(receipt, "dmarcVerdict")?,
                text: record.as_json().into(),
            })
        })
    }

    /// Returns the record as it is in the event, including all headers.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> SesRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        let all = |texts: Vec<Text<'a>>| texts.into_iter().map(|text| owned.text(text)).collect();
        SesRecord {
            message_id: owned.text(self.message_id),
            source: owned.text(self.source),
            destination: all(self.destination),
            recipients: all(self.recipients),
            subject: owned.text(self.subject),
            timestamp: owned.text(self.timestamp),
            spam: self.spam,
            virus: self.virus,
            spf: self.spf,
            dkim: self.dkim,
            dmarc: self.dmarc,
            text: owned.json(),
        }
    }
}

/// Reads a list of strings.
fn texts<'a>(list: Value<'a, '_>) -> Result<Vec<Text<'a>>, JsonError> {
    list.list()?.map(|value| value.text().map(Text::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::{SesRecord, Verdict};
    use crate::events::{BatchEvent, BatchSource};

    #[test]
    fn a_mail_comes_with_what_ses_found_out_about_it() {
        let event = r#"{"Records":[{"eventSource":"aws:ses","ses":{
            "mail":{"messageId":"m1","source":"a@example.com","destination":["b@example.com"],
                "commonHeaders":{"subject":"hi"},"timestamp":"2026-01-01T00:00:00Z"},
            "receipt":{"recipients":["b@example.com"],"spamVerdict":{"status":"PASS"},
                "virusVerdict":{"status":"FAIL"},"spfVerdict":{"status":"GRAY"},
                "dkimVerdict":{"status":"PROCESSING_FAILED"}}}},
            {"eventSource":"aws:ses","ses":{"mail":{"destination":"b@example.com"}}}]}"#;
        let event = BatchEvent::read(BatchSource::Ses, event).unwrap();
        let record = event.record(0).unwrap();
        assert_eq!((record.identifier(), record.name()), ("m1", "ses"));
        let mail = SesRecord::read(&record).unwrap().into_owned();
        assert_eq!((&*mail.source, &*mail.subject), ("a@example.com", "hi"));
        assert_eq!(
            (&*mail.destination[0], &*mail.recipients[0]),
            ("b@example.com", "b@example.com")
        );
        let verdicts = [mail.spam, mail.virus, mail.spf, mail.dkim, mail.dmarc];
        assert_eq!(verdicts, {
            [Verdict::Pass, Verdict::Fail, Verdict::Gray, Verdict::Unknown, Verdict::Unknown]
        });
        assert!(SesRecord::read(&event.record(1).unwrap()).is_err());
    }
}
