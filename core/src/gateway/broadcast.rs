//! Sending the same to many connections.

use alloc::string::String;
use alloc::vec::{IntoIter, Vec};

use super::endpoint::RequestBase;
use super::error::Error;
use super::management::PostToConnection;
use super::request::ConnectionRequest;
use crate::machine::{Machine, Step};
use crate::printing::prints;

/// Sends the same data to connections, one after the other. One that fails does not keep the others
/// from getting it; what is to be tried again is for the caller to decide.
#[derive(Clone)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Broadcast {
    base: RequestBase,
    data: Vec<u8>,
    /// Whom the data was last sent to.
    current: String,
    rest: IntoIter<String>,
    report: BroadcastReport,
}

prints!(Broadcast: base, current, report);

/// What became of a broadcast.
#[derive(Clone, Debug, Default)]
pub struct BroadcastReport {
    /// How many connections got the data.
    pub delivered: usize,
    /// Connections that are closed: forget them.
    pub gone: Vec<String>,
    /// Connections that did not get it for another reason.
    pub failed: Vec<(String, Error)>,
}

impl BroadcastReport {
    /// Notes what came of sending to a connection; for hosts that send to several at a time.
    pub fn note(&mut self, connection_id: String, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.delivered = self.delivered.saturating_add(1),
            Err(error) if error.is_gone() => self.gone.push(connection_id),
            Err(error) => self.failed.push((connection_id, error)),
        }
    }
}

impl Broadcast {
    /// Sends `data` to each of `connection_ids`, in their order.
    pub fn new(
        base: RequestBase,
        data: impl Into<Vec<u8>>,
        connection_ids: impl IntoIterator<Item = String>,
    ) -> Self {
        let rest = connection_ids.into_iter().collect::<Vec<_>>().into_iter();
        let (current, report) = (String::new(), BroadcastReport::default());
        Self { base, data: data.into(), current, rest, report }
    }

    fn on_post(mut self, outcome: Result<(), Error>) -> Step<Self> {
        let connection_id = core::mem::take(&mut self.current);
        self.report.note(connection_id, outcome);
        self.start()
    }
}

impl Machine for Broadcast {
    type Output = BroadcastReport;
    type Request = ConnectionRequest<Self>;

    fn start(mut self) -> Step<Self> {
        let Some(connection_id) = self.rest.next() else { return Step::Done(self.report) };
        self.current.clone_from(&connection_id);
        let post =
            PostToConnection { base: self.base.clone(), connection_id, data: self.data.clone() };
        self.ask(post, Self::on_post)
    }
}
