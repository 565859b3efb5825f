//! Runs an application where it was started: on Lambda, or on a port of this machine.
//!
//! This module selects the place and the tokio runtime. [`lambda::Runtime`] and [`local::Server`]
//! run the application; programs that choose themselves use those.

mod error;
mod place;
mod serving;

use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::io::{self, Write};
use std::process::ExitCode;

use futures_util::FutureExt as _;
use tokio::runtime::Runtime;

pub use error::StartError;
pub use place::DEFAULT_PORT;
pub use serving::IntoService;

use crate::app::{AppService, Panicked};
use crate::causes::line;
use crate::env::{Env, process_env};
use crate::logs::{self, Logs};
use crate::{lambda, local};
use place::Place;

/// Runs an application until it is stopped, and returns the exit code of the process. Return it
/// from `main`.
///
/// Needs the feature `start`.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     apptheory::start(async || apptheory::app::App::new().get("/", async || "hello"))
/// }
/// ```
///
/// The closure returns the application, or a `Result` of the application and any error. It runs on
/// the tokio runtime that `start` builds, so it can wait for what the application needs.
///
/// | Environment | Effect |
/// |---|---|
/// | `AWS_LAMBDA_RUNTIME_API` is set | the application runs on Lambda, as with [`lambda::run`] |
/// | `AWS_LAMBDA_RUNTIME_API` is not set | the application is served on 127.0.0.1, on [`DEFAULT_PORT`] or, if that is in use, on a free port, until Ctrl-C or SIGTERM; its address is printed on the standard output |
/// | `PORT` is set | the application is served on that port only; 0 lets the system choose one |
/// | `AWS_LAMBDA_MAX_CONCURRENCY` is above 1 | the runtime has a thread per core, otherwise a single thread |
///
/// Logging is set up by [`logs::init`], which documents its variables. The log gets the [`tracing`]
/// events of this crate, such as failures that clients do not see and records that fail, and your
/// own. If a `tracing` subscriber is already set, it gets the events instead. So set up a log of
/// your own, for instance with a different sanitizer, before:
///
/// ```no_run
/// use apptheory::app::App;
/// use apptheory::logs::Logs;
/// use apptheory::sanitize::{Error, Policy, Sanitizer};
///
/// fn main() -> Result<std::process::ExitCode, Error> {
///     let policy = Policy::from_json(r#"{"fully_redact_fields": ["gift_message"]}"#)?;
///     Logs::from_env().sanitizer(Sanitizer::new().with_policy(policy)).init();
///     Ok(apptheory::start(async || App::new().get("/", async || "hello")))
/// }
/// ```
///
/// Errors before the application runs, including a panic of the closure, are printed on the
/// standard error, and the exit code is 1. If the log is JSON, and on Lambda, they are also a log
/// line of level `ERROR`. On Lambda they are also reported to the Runtime API, as
/// `Function.InitFailed` and sanitized; callers of the function see that report.
pub fn start<A: IntoService>(app: impl AsyncFnOnce() -> A) -> ExitCode {
    let ended = start_in(&process_env, app);
    if let Err(error) = &ended {
        report(error, Logs::read(&process_env).is_for_programs());
    }
    logs::flush();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reports why an application does not run: in the log, if programs read it, and for people, unless
/// this crate's log has it.
fn report(error: &StartError, is_for_programs: bool) {
    if is_for_programs {
        tracing::error!("{}", line(error));
    }
    if !(is_for_programs && logs::is_set() && tracing::enabled!(tracing::Level::ERROR)) {
        // Without a standard error there is nowhere to report to.
        drop(io::stderr().write_all(error.report().as_bytes()));
    }
}

fn start_in<A: IntoService>(env: Env<'_>, app: impl AsyncFnOnce() -> A) -> Result<(), StartError> {
    Logs::read(env).init_if_none();
    runtime(env).map_err(StartError::Runtime)?.block_on(reported(env, async {
        let app = AssertUnwindSafe(app()).catch_unwind().await;
        let app = app.map_err(|panic| Panicked::new("the closure of `start`", panic));
        let app = app.map_err(|panicked| StartError::App(panicked.into()))?.into_service()?;
        serve(Place::read(env)?, app).await
    }))
}

/// Reports to Lambda why an application does not start. Lambda's runtime reports what ends it
/// later.
async fn reported(
    env: Env<'_>,
    started: impl Future<Output = Result<(), StartError>>,
) -> Result<(), StartError> {
    let ended = started.await;
    if let Err(error) = &ended
        && !matches!(error, StartError::Lambda(_))
    {
        lambda::report_failed_init(env, error).await;
    }
    ended
}

/// Runs an application until it is stopped, as [`start`] does, on the caller's tokio runtime, which
/// needs I/O and time enabled.
///
/// Needs the feature `start`.
///
/// ```no_run
/// # async fn run() -> Result<(), apptheory::StartError> {
/// apptheory::run(apptheory::app::App::new().get("/", async || "hello")).await
/// # }
/// ```
///
/// # Errors
///
/// [`StartError`] for errors before the application runs, and for those that end it on Lambda.
pub async fn run(app: impl IntoService) -> Result<(), StartError> {
    logs::init();
    let started = async { serve(Place::read(&process_env)?, app.into_service()?).await };
    let ended = reported(&process_env, started).await;
    logs::flush();
    ended
}

/// Builds a runtime: with a thread per core if invocations run concurrently, else with one thread,
/// which is lighter and starts faster.
fn runtime(env: Env<'_>) -> io::Result<Runtime> {
    let mut builder = match place::handles_several(env) {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

async fn serve(place: Place, app: AppService) -> Result<(), StartError> {
    let port = match place {
        Place::Lambda => return Ok(lambda::run(app).await?),
        Place::Local(port) => port,
    };
    // Catch signals from here on, so that none is lost while the server starts.
    let stop = local::stop_signal().map_err(StartError::Signal)?;
    let server = place::listen(app, port, DEFAULT_PORT).await?;
    // The output may be closed; the server runs anyway.
    drop(writeln!(io::stdout(), "listening on http://{}", server.address()));
    server.serve(stop).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::TcpListener;
    use std::thread;

    use tokio::runtime::RuntimeFlavor;

    use super::*;
    use crate::app::App;

    fn flavor(concurrency: Option<&str>) -> RuntimeFlavor {
        let env = |name: &str| {
            let is_asked = name == "AWS_LAMBDA_MAX_CONCURRENCY";
            concurrency.filter(|_| is_asked).map(str::to_owned)
        };
        runtime(&env).unwrap().handle().runtime_flavor()
    }

    #[test]
    fn one_thread_serves_one_invocation_at_a_time_and_several_serve_several() {
        for (concurrency, expected) in [
            (None, RuntimeFlavor::CurrentThread),
            (Some("1"), RuntimeFlavor::CurrentThread),
            (Some("many"), RuntimeFlavor::CurrentThread),
            (Some(" 2 "), RuntimeFlavor::MultiThread),
        ] {
            assert_eq!(flavor(concurrency), expected, "{concurrency:?}");
        }
    }

    /// Returns what Lambda is sent about an application that does not start: path, error type and
    /// message.
    fn reported<A: IntoService>(app: impl AsyncFnOnce() -> A) -> (String, String, String) {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = api.local_addr().unwrap().to_string();
        let taken = thread::spawn(move || {
            let mut stream = BufReader::new(api.accept().unwrap().0);
            let mut lines = stream.by_ref().lines().map(Result::unwrap);
            let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let field = |name| head.iter().find_map(|line| line.strip_prefix(name)).unwrap();
            let mut body = vec![0; field("content-length: ").parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 202 A\r\ncontent-length: 0\r\n\r\n").unwrap();
            let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let said = field("lambda-runtime-function-error-type: ");
            assert_eq!(error["errorType"], said);
            (head[0].clone(), said.to_owned(), error["errorMessage"].as_str().unwrap().to_owned())
        });
        let env = |name: &str| (name == lambda::RUNTIME_API).then(|| address.clone());
        start_in(&env, app).unwrap_err();
        taken.join().unwrap()
    }

    #[test]
    fn the_reason_for_a_failed_start_is_reported_to_lambda() {
        let there = "POST /2018-06-01/runtime/init/error HTTP/1.1";
        let as_what = "Function.InitFailed";
        let odd = reported(async || App::new().get("orders}", async || "order"));
        assert_eq!((&*odd.0, &*odd.1), (there, as_what));
        assert!(odd.2.starts_with("the application does not build: "), "{}", odd.2);

        let made_none = "the closure of `start` made no application: it failed or panicked; see \
                         apptheory::guide::errors";
        let none = reported(async || Err::<AppService, _>("no table for password=hunter2"));
        assert_eq!(none.2, format!("{made_none}: no table for password=[REDACTED]"));

        let panicked = reported(async || -> App { panic!("no {}", "table") });
        let why = format!("{made_none}: the closure of `start` panicked: no table");
        assert_eq!((&*panicked.0, &*panicked.1, &*panicked.2), (there, as_what, &*why));
    }

    #[test]
    fn what_is_wrong_is_found_before_anything_is_served() {
        let env = |name: &str| (name == "PORT").then(|| "http".to_owned());
        let error = start_in(&env, async || App::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PORT is `http`, and a port is a number from 0 to 65535: set it to one, or not at all; see \
             apptheory::guide::getting_started"
        );

        let odd = async || App::new().get("orders}", async || "order");
        assert!(matches!(start_in(&|_| None, odd), Err(StartError::Build(_))));
        let error = start_in(&|_| None, async || Err::<AppService, _>("no table"));
        assert!(matches!(error, Err(StartError::App(_))));
    }
}
