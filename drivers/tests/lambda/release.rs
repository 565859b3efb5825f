//! The example function, in a release build: panics unwind.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::server::RuntimeApi;
use super::url_event;

/// The function's process, killed when the test ends.
pub(crate) struct Function(pub(crate) Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the path of the release build, beside this test's own profile.
fn example() -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("release").join("lambda_function")
}

fn start(function: &Path, api: &RuntimeApi) -> Function {
    let mut command = Command::new(function);
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.address());
    Function(command.stdout(Stdio::null()).spawn().unwrap())
}

#[tokio::test]
#[ignore = "needs the example, built for release: .ci/run builds it"]
async fn a_panic_is_answered_and_the_function_lives() {
    let mut api = RuntimeApi::listen().await;
    let _function = start(&example(), &api);
    for (path, status) in [("/panic", 500), ("/", 200), ("/panic", 500)] {
        let mut response = api.invoke(&url_event(path)).await;
        assert_eq!(response.resource(), "r1/response");
        assert_eq!(response.json().await["statusCode"], status, "{path}");
        response.answer(202, &[], b"").await;
    }
    api.poll().await;
}

#[tokio::test]
#[ignore = "needs the example, built for release: .ci/run builds it"]
async fn a_function_without_invocations_fails() {
    let mut api = RuntimeApi::listen().await;
    let mut function = start(&example(), &api);
    api.poll().await.answer(500, &[], b"{}").await;
    let status = tokio::task::spawn_blocking(move || function.0.wait()).await.unwrap().unwrap();
    assert!(!status.success());
}
