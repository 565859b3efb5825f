//! The trace on AWS calls.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Sends the trace of the [current](super::current) invocation with every call of an AWS client, as
/// `X-Amzn-Trace-Id`. Clients that this crate makes have it; put it on clients of your own. Calls
/// outside of an invocation, and in one without a trace, stay as they are.
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

/// The field, which signatures leave out.
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
            // What is no field value was not given by Lambda, and the call is made without it.
            let _ = context.request_mut().headers_mut().try_insert(FIELD, field.to_owned());
        }
        Ok(())
    }
}
