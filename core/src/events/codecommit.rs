//! Records of CodeCommit triggers.

use alloc::vec::Vec;

use super::arn::{ArnKind, name_from_arn};
use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::json::JsonError;
use crate::printing::prints;

/// A push to a CodeCommit repository. Missing values are empty.
#[derive(Clone)]
pub struct CodeCommitRecord<'a> {
    /// The id of the event.
    pub event_id: Text<'a>,
    /// What happened, such as `ReferenceChanges`.
    pub event_name: Text<'a>,
    /// When it happened, in CodeCommit's format.
    pub event_time: Text<'a>,
    /// The repository's ARN.
    pub event_source_arn: Text<'a>,
    /// The name of the trigger.
    pub trigger_name: Text<'a>,
    /// The custom data in the trigger's configuration.
    pub custom_data: Text<'a>,
    /// The ARN of the user who pushed.
    pub user_arn: Text<'a>,
    /// The changed branches and tags.
    pub references: Vec<Reference<'a>>,
    text: Text<'a>,
}

prints!(CodeCommitRecord<'_>: event_id, event_name, event_time, event_source_arn);

/// A changed branch or tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference<'a> {
    /// The full name, such as `refs/heads/main`.
    pub name: Text<'a>,
    /// The commit after the change.
    pub commit: Text<'a>,
    /// Whether the reference is new.
    pub is_created: bool,
    /// Whether the reference was deleted.
    pub is_deleted: bool,
}

impl<'a> CodeCommitRecord<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the record is from another
    /// service than its event.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        record.read(|object| {
            let references = object.object("codecommit")?.list("references")?.map(|reference| {
                let reference = reference.object()?;
                Ok(Reference {
                    name: reference.text("ref")?.into(),
                    commit: reference.text("commit")?.into(),
                    is_created: reference.flag("created")?,
                    is_deleted: reference.flag("deleted")?,
                })
            });
            Ok(Self {
                references: references.collect::<Result<_, JsonError>>()?,
                event_id: object.text("eventId")?.into(),
                event_name: object.text("eventName")?.into(),
                event_time: object.text("eventTime")?.into(),
                event_source_arn: object.text("eventSourceARN")?.into(),
                trigger_name: object.text("eventTriggerName")?.into(),
                custom_data: object.text("customData")?.into(),
                user_arn: object.text("userIdentityARN")?.into(),
                text: record.as_json().into(),
            })
        })
    }

    /// Returns the repository's name; empty if the ARN has none.
    #[must_use]
    pub fn repository(&self) -> &str {
        name_from_arn(ArnKind::CodeCommitRepository, &self.event_source_arn)
    }

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> CodeCommitRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        let references = self.references.into_iter().map(|reference| Reference {
            name: owned.text(reference.name),
            commit: owned.text(reference.commit),
            is_created: reference.is_created,
            is_deleted: reference.is_deleted,
        });
        CodeCommitRecord {
            references: references.collect(),
            event_id: owned.text(self.event_id),
            event_name: owned.text(self.event_name),
            event_time: owned.text(self.event_time),
            event_source_arn: owned.text(self.event_source_arn),
            trigger_name: owned.text(self.trigger_name),
            custom_data: owned.text(self.custom_data),
            user_arn: owned.text(self.user_arn),
            text: owned.json(),
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
