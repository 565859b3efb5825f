//! The rate limiter, the event bus, streams and WebSockets to play with: an application on
//! loopback, on an embedded DynamoDB in a file, with a console for browsers at `/`.
//!
//! ```text
//! cargo playground
//! cargo playground --port 8080 --data ./playground-data
//! cargo playground cursor decode NDI
//! ```

mod app;
mod server;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use apptheory::DEFAULT_PORT;
use apptheory::clock::SystemClock;
use clap::{Parser, Subcommand};

use app::cursor;
use server::{Playground, PlaygroundError};

/// Serves limited routes, an event bus, streams and a chat on loopback, and a console that shows
/// them. Ctrl-C stops it.
#[derive(Parser)]
#[command(name = "cargo playground", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port to listen on; 0 lets the system choose one. Without it, 3000, or another one if
    /// that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// The directory to keep counters and events in, so that they survive a restart. Without it,
    /// they are deleted when the server ends.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Send streams in one piece, as services do that do not stream: when they end, or after 29 s.
    #[arg(long)]
    buffered: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Decodes cursors of the event bus.
    #[command(subcommand)]
    Cursor(CursorCommand),
}

#[derive(Subcommand)]
enum CursorCommand {
    /// Prints what a cursor holds, as JSON.
    Decode {
        /// The cursor, as it came with a page.
        #[arg(allow_hyphen_values = true)]
        cursor: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", app::with_sources(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(Command::Cursor(CursorCommand::Decode { cursor })) = arguments.command {
        let decoded = cursor::decode(&cursor)?;
        writeln!(io::stdout(), "{decoded:#}")?;
        return Ok(());
    }
    // Catch signals from here on, so that none is lost while the server starts.
    let stop = apptheory::local::stop_signal()?;
    let (playground, taken) = open(arguments.port, arguments.data).await?;
    let playground = if arguments.buffered { playground.buffered() } else { playground };
    let greeting = playground.greeting(taken);
    // The output may be closed; the server runs anyway.
    drop(io::stdout().write_all(greeting.as_bytes()));
    playground.serve(stop).await;
    Ok(())
}

/// Opens the playground on a port; without one on the default port or, if that is taken, on
/// another: then it returns the default one, too.
async fn open(
    port: Option<u16>,
    data: Option<PathBuf>,
) -> Result<(Playground, Option<u16>), PlaygroundError> {
    let first = Playground::open(port.unwrap_or(DEFAULT_PORT), data.clone(), SystemClock).await;
    match first {
        Err(PlaygroundError::Listen(_)) if port.is_none() => {
            Ok((Playground::open(0, data, SystemClock).await?, Some(DEFAULT_PORT)))
        }
        opened => Ok((opened?, None)),
    }
}
