//! A function before its first invocation: the snapshot of it that Lambda may take, and what Lambda is
//! told if it does not start.

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

/// How long Lambda may take to hear of an error. The function ends in any case.
const REPORT_TIME: Duration = Duration::from_secs(1);

/// Tells Lambda why a function does not start, where there is a Runtime API: the error and its sources,
/// without what looks like a secret. Whether that works changes nothing: the function ends.
pub(crate) async fn report_failed_init(
    env: impl Fn(&str) -> Option<String>,
    error: &(dyn Error + Send + Sync + 'static),
) {
    report(env, "init", "Function.InitFailed", error).await;
}

/// Has Lambda take a snapshot of the process, waits until it runs on from that, and says whether it is to
/// run at all: a shutdown may begin before.
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
    // Of one connection, each process would use its copy: it is closed with this.
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
        Some(told) => log(what, &told),
        None => tracing::error!(what, "the Runtime API does not take the error"),
    }
}
