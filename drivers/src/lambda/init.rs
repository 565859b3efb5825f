//! A function that cannot start, as Lambda is told of it.

use core::error::Error;
use core::time::Duration;

use apptheory_core::sanitize::Sanitizer;

use super::address::Address;
use super::api::RuntimeApi;
use super::error::FunctionError;
use super::runtime::log;
use super::settings::RUNTIME_API;
use crate::causes::line;
use crate::clock::{Clock as _, SystemClock, before};
use crate::env::filled;

/// How long Lambda may take to hear of an error. The function ends in any case.
const REPORT_TIME: Duration = Duration::from_secs(1);

/// Tells Lambda why a function does not start, where there is a Runtime API: the error and its sources,
/// without what looks like a secret. Whether that works changes nothing: the function ends.
pub(crate) async fn report_failed_init(
    env: impl Fn(&str) -> Option<String>,
    error: &(dyn Error + 'static),
) {
    report(env, "init", "Function.InitFailed", error).await;
}

async fn report(
    env: impl Fn(&str) -> Option<String>,
    what: &'static str,
    error_type: &'static str,
    error: &(dyn Error + 'static),
) {
    let Some(address) = filled(env, RUNTIME_API).and_then(|text| Address::parse(&text)) else {
        return;
    };
    let message = Sanitizer::new().free_text(&line(error)).into_owned();
    let error = FunctionError { error_type: error_type.into(), message };
    let mut api = RuntimeApi::new(address);
    match before(SystemClock.sleep(REPORT_TIME), api.fail_start(what, &error)).await {
        Some(told) => log(what, &told),
        None => tracing::error!(what, "the Runtime API does not take the error"),
    }
}
