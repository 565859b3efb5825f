//! Sending the trace on AWS calls.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Sends the trace of the [current](super::current) invocation with every call of an AWS client, as
/// `X-Amzn-Trace-Id`. Clients that this crate creates have it; add it to clients of your own. Calls
/// outside of an invocation, or in one without a trace, are not changed.
///
/// ```
/// use apptheory::trace::Propagation;
/// # #[cfg(feature = "aws")] {
/// # use apptheory::store::aws::aws_sdk_dynamodb;
/// use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
///
/// let config = Config::builder()
///     .behavior_version(BehaviorVersion::latest())
///     .interceptor(Propagation)
///     .build();
/// let client = aws_sdk_dynamodb::Client::from_conf(config);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Propagation;

/// The header; signatures do not cover it.
const FIELD: &str = "x-amzn-trace-id";

impl Intercept for Propagation {
    fn name(&self) -> &'static str {
        "apptheory::trace::Propagation"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let trace = super::current();
        let field = trace.x_amzn_trace_id();
        if !field.is_empty() {
            // Lambda sends valid header values only; any other trace is not sent.
            let _ = context.request_mut().headers_mut().try_insert(FIELD, field.to_owned());
        }
        Ok(())
    }
}
