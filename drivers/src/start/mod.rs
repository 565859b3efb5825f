//! One call that runs an application wherever it is started: on Lambda, or on a port of this
//! machine.
//!
//! This module decides where an application runs, and on which runtime. How it runs there is the
//! business of [`lambda::Runtime`] and [`local::Server`], which remain for programs that decide for
//! themselves.

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

/// Runs an application until it is stopped, and returns the exit code of the process. Return it from
/// `main`.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     apptheory::start(async || apptheory::app::App::new().get("/", async || "hello"))
/// }
/// ```
///
/// The closure gives the application, or a `Result` of it and any error. It runs on the runtime that
/// `start` builds, so that it can wait for what the application needs.
///
/// | The environment | What happens |
/// |---|---|
/// | `AWS_LAMBDA_RUNTIME_API` is set | it runs on Lambda, as [`lambda::run`] does |
/// | it is not | it is served on 127.0.0.1, on [`DEFAULT_PORT`] or, if that is taken, on a free port, until Ctrl-C or SIGTERM; its address is printed on the standard output |
/// | `PORT` is set | it is served on that port and no other; 0 lets the system choose one |
/// | `AWS_LAMBDA_MAX_CONCURRENCY` is above 1 | the runtime has a thread for each core; else it has one |
///
/// The log is that of [`logs::init`], which says what the environment decides about it: [`tracing`]
/// events of this crate, such as failures that clients are not told and records that fail, and yours.
/// Where a `tracing` subscriber is set already, that one gets them. So a log of your own, with a policy
/// of what is shown for example, is set up before:
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
/// Whatever goes wrong before the application runs, a panic of the closure included, is reported on the
/// standard error, and the code is 1. Where the log is JSON, and on Lambda, the report is a line of the
/// log, of level `ERROR`. On Lambda it is reported to the Runtime API, too, as `Function.InitFailed` and
/// without what looks like a secret, and callers of the function are shown it.
pub fn start<A: IntoService>(app: impl AsyncFnOnce() -> A) -> ExitCode {
    let ended = start_in(&process_env, app);
    if let Err(error) = &ended {
        report(error, Logs::read(&process_env).is_for_programs());
    }
    logs::flush();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says why an application does not run: in the log, where programs read it; and for people, unless the
/// log of this crate has it.
fn report(error: &StartError, is_for_programs: bool) {
    if is_for_programs {
        tracing::error!("{}", line(error));
    }
    if !(is_for_programs && logs::is_set() && tracing::enabled!(tracing::Level::ERROR)) {
        // Without a standard error there is nobody to report to.
        drop(io::stderr().write_all(error.report().as_bytes()));
    }
}

fn start_in<A: IntoService>(env: Env<'_>, app: impl AsyncFnOnce() -> A) -> Result<(), StartError> {
    Logs::read(env).init_if_none();
    runtime(env).map_err(StartError::Runtime)?.block_on(told(env, async {
        let app = AssertUnwindSafe(app()).catch_unwind().await;
        let app = app.map_err(|panic| Panicked::new("the closure of `start`", panic));
        let app = app.map_err(|panicked| StartError::App(panicked.into()))?.into_service()?;
        serve(Place::read(env)?, app).await
    }))
}

/// Tells Lambda why an application does not start. What ends it later, Lambda's runtime has told.
async fn told(
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

/// Runs an application until it is stopped, as [`start`] does, on the tokio runtime of the caller:
/// one with I/O and time enabled.
///
/// ```no_run
/// # async fn run() -> Result<(), apptheory::StartError> {
/// apptheory::run(apptheory::app::App::new().get("/", async || "hello")).await
/// # }
/// ```
///
/// # Errors
///
/// [`StartError`] for whatever goes wrong before the application runs, and for what ends it on Lambda.
pub async fn run(app: impl IntoService) -> Result<(), StartError> {
    logs::init();
    let started = async { serve(Place::read(&process_env)?, app.into_service()?).await };
    let ended = told(&process_env, started).await;
    logs::flush();
    ended
}

/// A runtime with a thread for each core where several invocations are handled at a time, and with
/// one thread elsewhere, which is lighter and starts faster.
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
    // Heeded from here on, so that no signal is lost while the server starts.
    let stop = local::stop_signal().map_err(StartError::Signal)?;
    let server = place::listen(app, port, DEFAULT_PORT).await?;
    // Nobody may be reading; the server is there all the same.
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

    /// What Lambda is told of an application that does not start: where, as what, and why.
    fn told<A: IntoService>(app: impl AsyncFnOnce() -> A) -> (String, String, String) {
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
    fn lambda_is_told_why_an_application_does_not_start() {
        let there = "POST /2018-06-01/runtime/init/error HTTP/1.1";
        let as_what = "Function.InitFailed";
        let odd = told(async || App::new().get("orders}", async || "order"));
        assert_eq!((&*odd.0, &*odd.1), (there, as_what));
        assert!(odd.2.starts_with("the application does not build: "), "{}", odd.2);

        let none = told(async || Err::<AppService, _>("no table for password=hunter2"));
        assert_eq!(none.2, "there is no application: no table for password=[REDACTED]");

        let panicked = told(async || -> App { panic!("no {}", "table") });
        let why = "there is no application: the closure of `start` panicked: no table";
        assert_eq!((&*panicked.0, &*panicked.1, &*panicked.2), (there, as_what, why));
    }

    #[test]
    fn what_is_wrong_is_found_before_anything_is_served() {
        let env = |name: &str| (name == "PORT").then(|| "http".to_owned());
        let error = start_in(&env, async || App::new()).unwrap_err();
        assert_eq!(error.to_string(), "PORT is `http`, and a port is a number from 0 to 65535");

        let odd = async || App::new().get("orders}", async || "order");
        assert!(matches!(start_in(&|_| None, odd), Err(StartError::Build(_))));
        let error = start_in(&|_| None, async || Err::<AppService, _>("no table"));
        assert!(matches!(error, Err(StartError::App(_))));
    }
}
