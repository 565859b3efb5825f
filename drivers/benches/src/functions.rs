//! The functions that are measured from outside, built as for deployment: with the profile
//! `function`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::measure::Effort;
use crate::table::Blocked;

/// Builds our function with some of its features. With [`Effort::Once`], takes the existing build
/// with all features.
pub(crate) fn ours(effort: Effort, features: &str) -> Result<PathBuf, Blocked> {
    if effort == Effort::Once {
        return there(own_folder()?.join("bench_function"));
    }
    let arguments = ["-p", "bench_function", "--no-default-features", "--features", features];
    build(Path::new(ROOT), &arguments)?;
    let built = Path::new(ROOT).join("target/function/bench_function");
    // The next build replaces it.
    let kept = built.with_file_name(format!("bench_function-{features}"));
    let copied = std::fs::copy(&built, &kept);
    copied.map(|_| kept).map_err(|error| format!("{}: {error}", built.display()))
}

/// Builds the peer's function.
pub(crate) fn peer(effort: Effort) -> Result<PathBuf, Blocked> {
    let target = Path::new(ROOT).join("target/peer");
    if effort != Effort::Once {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer");
        build(&folder, &["--target-dir".as_ref(), target.as_os_str()])?;
    }
    there(target.join("function/peer_function"))
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn own_folder() -> Result<PathBuf, Blocked> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.parent().unwrap_or(&own).to_owned())
}

fn there(path: PathBuf) -> Result<PathBuf, Blocked> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.exists() { Ok(path) } else { Err(format!("{name} is not built")) }
}

fn build<S: AsRef<std::ffi::OsStr>>(folder: &Path, arguments: &[S]) -> Result<(), Blocked> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--profile", "function", "--locked"])
        .args(arguments)
        .current_dir(folder);
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo: {status}")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

/// A process that is killed when this is dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a program that is there"))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sets Lambda's environment variables, including the address of the Runtime API.
pub(crate) fn on_lambda<'c>(command: &'c mut Command, api: &str) -> &'c mut Command {
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
}
