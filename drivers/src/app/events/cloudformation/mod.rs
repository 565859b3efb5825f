//! CloudFormation custom resources: calls their handler, and sends the outcome to CloudFormation in
//! any case. Without it, a stack waits for an hour.

mod send;

use core::mem;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    AnswerWriter, CustomResource, Done, EventObservation, ResourceReply, SingleEvent, SingleRoute,
    SingleSource,
};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::json::to_text;
use apptheory_core::time::Timestamp;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::single_event::single_event;
use super::{AnyEvent, NamedRoute};
use crate::app::invocation::Invocation;
use crate::app::invoke::InvokeError;
use crate::app::target::Target;
use crate::app::time::Begun;
use crate::app::{
    Answer, App, AppService, Context, FLUSH_TIME, FromContext, Handler, IntoAnswer, Response,
    Router, kind,
};
use crate::causes::causes;
use crate::clock::Clock as _;

pub(in crate::app) use send::Replies;
#[cfg(feature = "testkit")]
pub(crate) use send::SendReply;

/// How long before the deadline the handler is stopped, so that there is time to send the response:
/// 2 s, or a quarter of the available time, whichever is shorter. A first connection to S3 takes
/// part of that.
const REPLY_TIME: Duration = Duration::from_secs(2);

/// The event's response URL is not on S3.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the response URL of the event is not on S3, and nothing was sent to it; call \
      `cloudformation_at_any_host` if the function runs on an emulator"
)]
struct OtherHost;

/// The handler was dropped because the function shuts down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the function shut down before the resource was finished")]
struct ShutDown;

const WRITER: AnswerWriter = AnswerWriter::of(SingleSource::CloudFormation);

macro_rules! cloudformation {
    ($($type:ident)+) => {$(
        impl<S> $type<S> {
            /// Creates, updates and deletes a CloudFormation custom resource. The handler takes a
            /// [`CustomResource`], whose properties it can read into a type of its own, and returns
            /// [`Done`]. One handler serves all resource types;
            /// [`resource_type`](CustomResource::resource_type) has their names.
            ///
            /// A response is always sent to the URL from the event: success, or a failure with its
            /// reason after an error, a panic, a shutdown, or when the handler is still running 2 s
            /// before the deadline or after three quarters of the available time, whichever is
            /// later. The reason is shown for client errors (4xx), and masked otherwise; the log
            /// has the details. A response that cannot be delivered is retried while there is time,
            /// and then fails the invocation, which Lambda retries. Responses are sent only to S3
            /// and only by `https`, unless
            /// [`cloudformation_at_any_host`](App::cloudformation_at_any_host) is set. S3's
            /// certificate must come from an Amazon root; if a proxy has its own root, set
            /// `AWS_CA_BUNDLE` to a file with that root.
            ///
            /// A request may be repeated with the same [`request_id`](CustomResource::request_id):
            /// make the handler idempotent. A handler that creates a resource and then fails should
            /// delete the resource, or return [`LeftBehind`](apptheory_core::events::LeftBehind) as
            /// its error; CloudFormation then gets the resource's id, and deletes it on rollback.
            /// The same happens if CloudFormation would not accept the response, for instance
            /// because it has more than 4096 bytes.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::error::AppError;
            /// use apptheory::events::{CustomResource, Done, ResourceChange};
            ///
            /// #[derive(serde::Deserialize)]
            /// struct Topic { name: String, partitions: u32 }
            ///
            /// async fn topic(resource: CustomResource<Topic>) -> Result<Done, AppError> {
            ///     match resource.change {
            ///         ResourceChange::Create { properties }
            ///         | ResourceChange::Update { properties, .. } => {
            ///             println!("{}: {} partitions", properties.name, properties.partitions);
            ///             Ok(Done::new(properties.name).data("Url", "https://kafka.example.com"))
            ///         }
            ///         ResourceChange::Delete { physical_id, .. } => Ok(Done::new(physical_id)),
            ///     }
            /// }
            ///
            /// let app = App::new().cloudformation(topic).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn cloudformation<A>(
                self,
                handler: impl Handler<A, S, kind::CloudFormation>,
            ) -> Self {
                self.register(Target::Single(SingleRoute::CloudFormation, WRITER), handler)
            }
        }
    )+};
}

cloudformation!(Router App);

impl<S> App<S> {
    /// Sends responses to any host and scheme that an event names. Use it only with emulators:
    /// everyone who may invoke the function can then make it send requests anywhere.
    #[must_use]
    pub fn cloudformation_at_any_host(mut self) -> Self {
        self.replies.goes_anywhere = true;
        self
    }

    /// Sends responses to CloudFormation with `send`.
    #[cfg(feature = "testkit")]
    pub(crate) fn answering_cloudformation_by(mut self, send: SendReply) -> Self {
        self.replies = Replies::by(send);
        self
    }
}

impl<S, T: DeserializeOwned> FromContext<S, kind::CloudFormation> for CustomResource<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Self::read(single_event(context)?)
    }
}

impl IntoAnswer<kind::CloudFormation> for Done {
    fn into_answer(self) -> Answer {
        Response::json(200, &self)
    }
}

impl AppService {
    /// Handles a request about a custom resource, and sends the outcome to CloudFormation.
    pub(super) async fn answer_cloudformation(
        &self,
        event: &SingleEvent<'_>,
        NamedRoute { name, handler }: &NamedRoute,
        mut begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let reply = ResourceReply::read(event.raw().as_json()).map_err(InvokeError::Failed)?;
        if !(reply.is_to_s3() || self.inner.replies.goes_anywhere) {
            let error = AppError::internal().with_cause(OtherHost);
            self.report_cause(&begun.invocation.request_id, OtherHost);
            return Err(InvokeError::Failed(error));
        }
        let time = begun.time;
        let mut pending = Pending::new(self, reply, &begun.invocation);
        if let Some(answer) = pending.reply.for_nothing() {
            return pending.deliver(answer, time).await;
        }
        Arc::make_mut(&mut begun).time = self.time_to_handle(&begun);
        let shutdown = begun.shutdown.clone();
        let source = event.source();
        let shared = self.share(begun, source.trigger());
        let guard = shared.cancel_on_drop();
        let observation =
            EventObservation::event(source.trigger(), name, &shared.delivery.request_id);
        let context = shared.event_context(AnyEvent::of(event.raw()));
        let handled = async {
            let output = self.output_of(handler, context).await;
            let output = output.inspect_err(|error| pending.reply.keep_left_behind(error))?;
            pending.reply.keep_id(&output);
            WRITER.write(event, output)
        };
        let handled = async {
            match shutdown {
                Some(shutdown) => shutdown
                    .run_until_cancelled(handled)
                    .await
                    .unwrap_or_else(|| Err(AppError::internal().with_cause(ShutDown))),
                None => handled.await,
            }
        };
        let outcome =
            self.conclude_whole(Some(observation), handled, &shared, InvokeError::Failed).await;
        let answer = match outcome {
            Ok(answer) => {
                guard.disarm();
                to_text(&answer)
            }
            Err(error) => pending.failed(&why(&error)),
        };
        pending.deliver(answer, time).await
    }

    /// Returns the invocation's time until its handler is stopped.
    fn time_to_handle(&self, begun: &Begun) -> InvocationTime {
        let Some((stops_at, ends_at)) = begun.time.stops_at().zip(begun.time.ends_at()) else {
            return begun.time;
        };
        let now = self.clock().now();
        let own = REPLY_TIME.min(now.until(ends_at).checked_div(4).unwrap_or_default());
        let reserve = own.max(stops_at.until(ends_at));
        InvocationTime::new(now, Some(ends_at), Some(reserve))
    }

    /// Waits for the responses of dropped invocations.
    pub(in crate::app) async fn flush_replies(&self) {
        let mut given_up = self.inner.replies.take_given_up();
        if given_up.is_empty() {
            return;
        }
        let by = self.clock().now().saturating_add(FLUSH_TIME);
        let sent = async { while given_up.join_next().await.is_some() {} };
        if self.clock().race(Some(by), sent).await.is_none() {
            self.report_cause("", send::NotSent::TimedOut);
        }
    }
}

/// Returns the reason of a failure, as CloudFormation sees it.
fn why(error: &InvokeError) -> String {
    let is_shut_down = causes(error).any(|cause| cause.is::<ShutDown>());
    if is_shut_down { ShutDown.to_string() } else { error.to_string() }
}

/// A response that CloudFormation waits for. If it is dropped before a response was sent, its
/// invocation was cancelled, and a failure is sent in the background.
struct Pending<'a> {
    app: &'a AppService,
    reply: ResourceReply,
    /// Where the log has more about a failure.
    see: String,
    request_id: String,
    /// The response that is being sent, once it is known.
    answer: Option<String>,
    is_sent: bool,
}

impl<'a> Pending<'a> {
    fn new(app: &'a AppService, reply: ResourceReply, invocation: &Invocation) -> Self {
        let Invocation { request_id, function, .. } = invocation;
        let mut see = String::new();
        if !request_id.is_empty() {
            see = format!("; see the log of request {request_id}");
        }
        if let Some(function) = function
            && !function.log_stream.is_empty()
        {
            see = format!("{see} in {} {}", function.log_group, function.log_stream);
        }
        let request_id = request_id.clone();
        Self { app, reply, see, request_id, answer: None, is_sent: false }
    }

    fn failed(&self, why: &str) -> String {
        self.reply.failed(&format!("{why}{}", self.see))
    }

    /// Sends a response, while there is time.
    async fn deliver(
        mut self,
        answer: String,
        time: InvocationTime,
    ) -> Result<String, InvokeError> {
        self.answer = Some(answer.clone());
        let (app, clock) = (self.app, self.app.clock());
        let by: Option<Timestamp> = time.answers_by(clock.now());
        let sending = app.inner.replies.send(clock, self.reply.url(), &answer);
        let sent = clock.race(by, sending).await.unwrap_or(Err(send::NotSent::TimedOut));
        self.is_sent = true;
        match sent {
            Ok(()) => Ok("null".to_owned()),
            Err(error) => {
                app.report_cause(&self.request_id, error.clone());
                Err(InvokeError::Failed(AppError::internal().with_cause(error)))
            }
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_sent {
            return;
        }
        let answer = self.answer.take().unwrap_or_else(|| self.failed(&ShutDown.to_string()));
        let (app, url) = (self.app.clone(), self.reply.url().to_owned());
        let request_id = mem::take(&mut self.request_id);
        let sending = async move {
            let sent = app.inner.replies.send(app.clock(), &url, &answer).await;
            if let Err(error) = sent {
                app.report_cause(&request_id, error);
            }
        };
        match Handle::try_current() {
            Ok(runtime) => self.app.inner.replies.give_up(sending, &runtime),
            Err(_) => self.app.report_cause("", send::NotSent::NoRuntime),
        }
    }
}
