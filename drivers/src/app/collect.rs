//! Responses in one piece.

use apptheory_core::http::Response as Whole;
use apptheory_core::http::adapters::HttpSource;
use apptheory_core::stream::Collector;
use futures_util::StreamExt as _;

use super::hooks::Failure;
use super::{App, Response};

impl App {
    /// Reads what a response streams, within the limits of the application. An error on the way is
    /// answered instead of the response.
    pub async fn collect(&self, response: Response) -> Whole {
        let (head, stream) = response.split_stream();
        let Some(mut stream) = stream else { return head };
        let request_id = head.headers.first("x-request-id").to_owned();
        let settings = self.inner.service.settings();
        let max_bytes = settings.limits.max_response_bytes;
        let mut collector = Collector::new(head, max_bytes, settings.error_format);
        while let Some(chunk) = stream.next().await {
            if let Err(error) = chunk.and_then(|chunk| collector.push(&chunk)) {
                let failed = if settings.hides_stack_traces {
                    collector.fail(&error.clone().with_stack_trace(""))
                } else {
                    collector.fail(&error)
                };
                if failed.status >= 500 {
                    self.tell(Failure { request_id, error });
                }
                return failed;
            }
        }
        collector.finish()
    }

    /// Reads what a response streams, and writes it as a provider expects it.
    pub(super) async fn write(&self, source: HttpSource, response: Response) -> String {
        source.write_response(&self.collect(response).await)
    }
}
