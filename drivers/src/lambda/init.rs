//! A function before its first invocation: its snapshot, and the report of a failed start.

use core::error::Error;
use core::time::Duration;

use apptheory_core::sanitize::Sanitizer;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::api::RuntimeApi;
use super::error::{FunctionError, RuntimeError};
use super::settings::RUNTIME_API;
use super::worker::log;
use crate::app::AppService;
use crate::causes::line;
use crate::clock::{Clock as _, SystemClock, before};
use crate::env::{OwnedEnv, filled};

/// The time limit for reporting an error to Lambda. The function ends in any case.
const REPORT_TIME: Duration = Duration::from_secs(1);

/// Reports to Lambda why a function does not start, if there is a Runtime API: the error and its
/// sources, sanitized. The function ends whether the report succeeds or not.
pub(crate) async fn report_failed_init(
    env: impl Fn(&str) -> Option<String>,
    error: &(dyn Error + Send + Sync + 'static),
) {
    report(env, "init", "Function.InitFailed", error).await;
}

/// Lets Lambda take a snapshot of the process, and waits for the restore. Returns `false` if a
/// shutdown began meanwhile.
pub(super) async fn pass_snapshot(
    app: &AppService,
    address: &Address,
    env: &OwnedEnv,
    stop: &CancellationToken,
) -> Result<bool, RuntimeError> {
    if let Err(error) = app.before_snapshot().await {
        let error = RuntimeError::BeforeSnapshot(error);
        report_failed_init(env, &error).await;
        return Err(error);
    }
    // Processes must not share a connection: dropping the client closes it.
    let mut api = RuntimeApi::new(address.clone());
    match before(stop.cancelled(), api.restored()).await {
        Some(restored) => restored?,
        None => return Ok(false),
    }
    drop(api);
    if let Err(error) = app.restore().await {
        let error = RuntimeError::AfterRestore(error);
        report(env, "restore", "Function.RestoreFailed", &error).await;
        return Err(error);
    }
    Ok(true)
}

async fn report(
    env: impl Fn(&str) -> Option<String>,
    what: &'static str,
    error_type: &'static str,
    error: &(dyn Error + Send + Sync + 'static),
) {
    let Some(address) = filled(env, RUNTIME_API).and_then(|text| Address::parse(&text)) else {
        return;
    };
    let message = Sanitizer::new().free_text(&line(error)).into_owned();
    let error = FunctionError { error_type: error_type.into(), message };
    let mut api = RuntimeApi::new(address);
    match before(SystemClock.sleep(REPORT_TIME), api.fail_start(what, &error)).await {
        Some(sent) => log(what, &sent),
        None => tracing::error!(what, "the Runtime API did not accept the error report in time"),
    }
}
