//! Why an application does not run.

use std::io;

use crate::app::BuildError;
use crate::app::events::BoxError;
use crate::causes::texts;
use crate::lambda::RuntimeError;
use crate::local::ListenError;

/// An application does not run, or no longer does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is put together wrong; the source says what is, and how to mend it.
    #[error("the application does not build")]
    Build(#[from] BuildError),
    /// The closure that was to give the application failed or panicked, for the reason that is the
    /// source.
    #[error("there is no application")]
    App(#[source] BoxError),
    /// The variable `PORT` names none. Set it to a number, or not at all.
    #[error("PORT is `{0}`, and a port is a number from 0 to 65535")]
    Port(String),
    /// The port is taken, or not for everyone to use.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The signals to stop cannot be listened for.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// It does not run on Lambda; the source says why.
    #[error("the function ends")]
    Lambda(#[from] RuntimeError),
    /// The runtime cannot be built, for want of threads or file descriptors.
    #[error("cannot build the runtime")]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// Returns the error and its sources, one to a line, as people read them.
    pub(super) fn report(&self) -> String {
        let mut report = format!("error: {self}\n");
        for told in texts(self).iter().skip(1) {
            for (n, line) in told.lines().enumerate() {
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
            "error: cannot listen on 127.0.0.1:80\n  because: taken\n    by another\n"
        );
    }

    #[test]
    fn a_log_has_a_failed_start_in_one_line() {
        let source = io::Error::other("taken\nby another");
        let listen = ListenError { address: ([127, 0, 0, 1], 80).into(), source };
        let line = line(&StartError::from(listen));
        assert_eq!(line, "cannot listen on 127.0.0.1:80: taken by another");
    }
}
