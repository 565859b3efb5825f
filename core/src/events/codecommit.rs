//! Triggers of CodeCommit.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::arn::{ArnKind, name_from_arn};
use super::batch_event::BatchRecord;
use super::error::Error;
use super::owned;
use crate::json::JsonError;
use crate::printing::prints;

/// A push to a repository of CodeCommit. What the record lacks is empty.
#[derive(Clone)]
pub struct CodeCommitRecord<'a> {
    /// The id of the event.
    pub event_id: Cow<'a, str>,
    /// What happened, such as `ReferenceChanges`.
    pub event_name: Cow<'a, str>,
    /// When it happened, as CodeCommit writes it.
    pub event_time: Cow<'a, str>,
    /// The repository's ARN.
    pub event_source_arn: Cow<'a, str>,
    /// The name of the trigger.
    pub trigger_name: Cow<'a, str>,
    /// What the trigger was configured to send with every event.
    pub custom_data: Cow<'a, str>,
    /// The ARN of who pushed.
    pub user_arn: Cow<'a, str>,
    /// The branches and tags that changed.
    pub references: Vec<Reference<'a>>,
    text: Cow<'a, str>,
}

prints!(CodeCommitRecord<'_>: event_id, event_name, event_time, event_source_arn);

/// A branch or a tag that changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference<'a> {
    /// Its full name, such as `refs/heads/main`.
    pub name: Cow<'a, str>,
    /// The commit that it names now.
    pub commit: Cow<'a, str>,
    /// Whether it is new.
    pub is_created: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

impl<'a> CodeCommitRecord<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member that is read is of another type or comes twice, or the record is from
    /// another service than its event.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|object| {
            let references = object.object("codecommit")?.list("references")?.map(|reference| {
                let reference = reference.object()?;
                Ok(Reference {
                    name: reference.text("ref")?,
                    commit: reference.text("commit")?,
                    is_created: reference.flag("created")?,
                    is_deleted: reference.flag("deleted")?,
                })
            });
            Ok(Self {
                references: references.collect::<Result<_, JsonError>>()?,
                event_id: object.text("eventId")?,
                event_name: object.text("eventName")?,
                event_time: object.text("eventTime")?,
                event_source_arn: object.text("eventSourceARN")?,
                trigger_name: object.text("eventTriggerName")?,
                custom_data: object.text("customData")?,
                user_arn: object.text("userIdentityARN")?,
                text: Cow::Borrowed(record.as_json()),
            })
        })
    }

    /// Returns the repository; empty when the ARN names none.
    #[must_use]
    pub fn repository(&self) -> &str {
        name_from_arn(ArnKind::CodeCommitRepository, &self.event_source_arn)
    }

    /// Returns the record as the event has it.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns the record without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> CodeCommitRecord<'static> {
        let references = self.references.into_iter().map(|reference| Reference {
            name: owned(reference.name),
            commit: owned(reference.commit),
            is_created: reference.is_created,
            is_deleted: reference.is_deleted,
        });
        CodeCommitRecord {
            references: references.collect(),
            event_id: owned(self.event_id),
            event_name: owned(self.event_name),
            event_time: owned(self.event_time),
            event_source_arn: owned(self.event_source_arn),
            trigger_name: owned(self.trigger_name),
            custom_data: owned(self.custom_data),
            user_arn: owned(self.user_arn),
            text: owned(self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CodeCommitRecord, Reference};
    use crate::events::{BatchEvent, BatchSource};

    #[test]
    fn a_push_names_what_changed() {
        let event = r#"{"Records":[{"eventSource":"aws:codecommit","eventId":"e1",
            "eventSourceARN":"arn:aws:codecommit:r:1:shop","customData":"c","codecommit":
            {"references":[{"commit":"9a","ref":"refs/heads/main","created":true}]}},
            {"eventSource":"aws:codecommit","codecommit":{"references":[5]}}]}"#;
        let event = BatchEvent::read(BatchSource::CodeCommit, event).unwrap();
        let record = event.record(0).unwrap();
        assert_eq!((record.identifier(), record.name()), ("e1", "shop"));
        let push = CodeCommitRecord::read(&record).unwrap().into_owned();
        assert_eq!((push.repository(), &*push.custom_data), ("shop", "c"));
        assert_eq!(
            push.references,
            [Reference {
                name: "refs/heads/main".into(),
                commit: "9a".into(),
                is_created: true,
                is_deleted: false,
            }]
        );
        assert!(CodeCommitRecord::read(&event.record(1).unwrap()).is_err());
    }
}
