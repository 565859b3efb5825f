//! Errors of starting an application.

use std::io;

use crate::app::BuildError;
use crate::app::events::BoxError;
use crate::causes::texts;
use crate::lambda::RuntimeError;
use crate::local::ListenError;
use crate::see::See;

/// An application could not be started, or was ended by an error.
///
/// Needs the feature `start`.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The application does not build; the source says why, and what to do.
    #[error("the application does not build")]
    Build(#[from] BuildError),
    /// The closure that returns the application failed or panicked; the source says why.
    #[error("the closure of `start` made no application: it failed or panicked; {}", See("errors"))]
    App(#[source] BoxError),
    /// The variable `PORT` is not a port number. Set it to a number, or do not set it.
    #[error(
        "PORT is `{0}`, and a port is a number from 0 to 65535: set it to one, or not at all; {see}",
        see = See("getting_started")
    )]
    Port(String),
    /// The port is in use, or needs privileges.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The process cannot listen for the signals that stop it.
    #[error(
        "the system does not let the process listen for SIGINT and SIGTERM: allow it, or serve with \
         `local::Server`; {}",
        See("getting_started")
    )]
    Signal(#[source] io::Error),
    /// The function on Lambda was ended by an error, which is the source.
    #[error("the function ends")]
    Lambda(#[from] RuntimeError),
    /// The tokio runtime cannot be built, because threads or file descriptors are missing.
    #[error(
        "tokio's runtime cannot be built: raise the process's limits of threads and open files; {}",
        See("deployment")
    )]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// Returns the error and its sources, one per line, for people.
    pub(super) fn report(&self) -> String {
        let mut report = format!("error: {self}\n");
        for text in texts(self).iter().skip(1) {
            for (n, line) in text.lines().enumerate() {
                report.push_str(if n == 0 { "  because: " } else { "    " });
                report.push_str(line);
                report.push('\n');
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::causes::line;

    #[test]
    fn a_report_is_a_block_with_a_line_for_each_cause() {
        let wrong = App::new().get("/orders/{id", async || "order").build().unwrap_err();
        let told = wrong.to_string();
        let report = StartError::from(wrong).report();
        assert_eq!(report, format!("error: the application does not build\n  because: {told}\n"));

        let source = io::Error::other("taken\nby another");
        let listen = ListenError { address: ([127, 0, 0, 1], 80).into(), source };
        assert_eq!(
            StartError::from(listen).report(),
            "error: cannot listen on 127.0.0.1:80: choose another port, or 0 to have a free one chosen; \
             see apptheory::guide::getting_started\n  because: taken\n    by another\n"
        );
    }

    #[test]
    fn a_log_has_a_failed_start_in_one_line() {
        let source = io::Error::other("taken\nby another");
        let listen = ListenError { address: ([127, 0, 0, 1], 80).into(), source };
        let line = line(&StartError::from(listen));
        assert!(line.starts_with("cannot listen on 127.0.0.1:80: "), "{line}");
        assert!(line.ends_with(": taken by another"), "{line}");
    }
}
