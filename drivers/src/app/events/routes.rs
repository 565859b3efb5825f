//! The handlers of an application's events.

use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory_core::events::{
    AnswerWriter, BatchSource, EventBridgeRoutes, LambdaEvent, RecordReader, RouteTaken, Routes,
    ShapeRoutes, SingleRoutes,
};

use super::any::NamedRoute;
use super::settings::EventSettings;
use crate::app::chain::Chain;

/// The handlers of an application's events.
pub(in crate::app) struct EventRoutes {
    /// Handlers of records, by source.
    pub(super) records: BTreeMap<BatchSource, RecordRoutes>,
    /// Handlers of tumbling windows, by source.
    pub(super) windows: BTreeMap<BatchSource, RecordRoutes>,
    pub(super) window_ends: BTreeMap<BatchSource, Routes<Arc<Chain>>>,
    pub(in crate::app) sns: Routes<Arc<Chain>>,
    pub(in crate::app) event_bridge: EventBridgeRoutes<NamedRoute>,
    pub(in crate::app) single: SingleRoutes<(NamedRoute, AnswerWriter)>,
    pub(in crate::app) any: ShapeRoutes<NamedRoute>,
    pub(super) settings: EventSettings,
}

/// The handlers of a source's records. The functions that register handlers also name the reader,
/// so that a program contains no others.
pub(super) struct RecordRoutes {
    pub(super) reader: RecordReader,
    handlers: Routes<Arc<Chain>>,
}

impl RecordRoutes {
    const fn new(reader: RecordReader) -> Self {
        Self { reader, handlers: Routes::new() }
    }

    pub(super) fn find(&self, name: &str) -> Option<RecordRoute<'_>> {
        Some(RecordRoute { reader: self.reader, handler: self.handlers.find(name)? })
    }
}

/// The handler of a record.
#[derive(Clone, Copy)]
pub(super) struct RecordRoute<'r> {
    pub(super) reader: RecordReader,
    pub(super) handler: &'r Arc<Chain>,
}

impl EventRoutes {
    pub(in crate::app) fn new(settings: EventSettings) -> Self {
        Self {
            records: BTreeMap::new(),
            windows: BTreeMap::new(),
            window_ends: BTreeMap::new(),
            sns: Routes::new(),
            event_bridge: EventBridgeRoutes::new(settings.on_unmatched),
            single: SingleRoutes::new(),
            any: ShapeRoutes::new(),
            settings,
        }
    }

    /// Registers a handler of the records of a source, by the name of their queue, stream, table
    /// and so on.
    pub(in crate::app) fn insert(
        &mut self,
        reader: RecordReader,
        name: &str,
        handler: Arc<Chain>,
    ) -> Result<(), RouteTaken> {
        let routes = self.records.entry(reader.source());
        routes.or_insert_with(|| RecordRoutes::new(reader)).handlers.insert(name, handler)
    }

    /// Registers a handler of records in tumbling windows.
    pub(in crate::app) fn insert_window(
        &mut self,
        reader: RecordReader,
        name: &str,
        handler: Arc<Chain>,
    ) -> Result<(), RouteTaken> {
        let routes = self.windows.entry(reader.source());
        routes.or_insert_with(|| RecordRoutes::new(reader)).handlers.insert(name, handler)
    }

    /// Registers a handler of the ends of tumbling windows.
    pub(in crate::app) fn insert_window_end(
        &mut self,
        source: BatchSource,
        name: &str,
        handler: Arc<Chain>,
    ) -> Result<(), RouteTaken> {
        self.window_ends.entry(source).or_default().insert(name, handler)
    }

    pub(super) fn route(&self, source: BatchSource, name: &str) -> Option<RecordRoute<'_>> {
        self.records.get(&source)?.find(name)
    }

    /// Returns whether a handler is registered for the event.
    pub(in crate::app) fn serve(&self, event: &LambdaEvent<'_>) -> bool {
        match event {
            LambdaEvent::Batch(batch) => self.records.contains_key(&batch.source()),
            LambdaEvent::Sns(_) => !self.sns.is_empty(),
            LambdaEvent::EventBridge(event) => {
                self.event_bridge.find(event).is_ok_and(|found| found.is_some())
            }
            LambdaEvent::Single(event) => self.single.find(event).is_some(),
            // A window without a handler is refused by name; other code would return an empty state
            // for it.
            LambdaEvent::Window(_) => true,
            LambdaEvent::Http(_) | LambdaEvent::WebSocket(_) | LambdaEvent::Other(_) => false,
        }
    }

    /// Returns whether messages are observed as well as events.
    pub(in crate::app) const fn observes_messages(&self) -> bool {
        self.settings.observes_messages
    }
}
