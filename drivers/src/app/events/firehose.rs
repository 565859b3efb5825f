//! Firehose: transforms records, and returns a result for each.

use std::sync::{Arc, OnceLock};

use apptheory_core::events::{
    BatchEvent, FirehoseResponse, MAX_FIREHOSE_ANSWER_BYTES, Transformed,
};

use super::single::output;
use crate::app::invoke::InvokeError;
use crate::app::time::Begun;
use crate::app::{Answer, AppService, IntoAnswer, Response, kind};

/// A transformed record does not fit into the response; Firehose delivers the original as failed.
/// Set a smaller buffer for the transformation, or return less.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{records} transformed records do not fit into the response of 6 MiB, and count as failed")]
struct NoRoom {
    records: usize,
}

impl AppService {
    /// Transforms every record, and returns the results.
    pub(super) async fn answer_firehose(
        &self,
        event: &BatchEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let request_id = begun.invocation.request_id.clone();
        let outputs: Vec<OnceLock<Transformed>> =
            event.records().map(|_| OnceLock::new()).collect();
        let keep = |index: usize, response: Response| {
            let transformed = Transformed::of(output(response)?)?;
            if let Some(place) = outputs.get(index) {
                // Each record runs once.
                let _ = place.set(transformed);
            }
            Ok(())
        };
        self.run_batch(event, begun, &keep).await;
        let outputs = outputs.into_iter().map(OnceLock::into_inner);
        let answer = FirehoseResponse::new(event, outputs, MAX_FIREHOSE_ANSWER_BYTES)?;
        if !answer.left_out.is_empty() {
            self.report_cause(&request_id, NoRoom { records: answer.left_out.len() });
        }
        Ok(answer.json)
    }
}

impl IntoAnswer<kind::DeliveryStream> for Transformed {
    fn into_answer(self) -> Answer {
        Response::json(200, &self)
    }
}
