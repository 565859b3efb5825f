//! The rate limiter, the event bus, streams and WebSockets to play with: an application on
//! loopback, with one route per limiting strategy, the routes of a bus and a chat, over an embedded
//! DynamoDB in a file.
//!
//! ```text
//! cargo playground --port 8080 --data ./playground-data
//! cargo playground cursor decode NDI
//! ```

mod app;
mod chat;
mod cursor;
mod events;
mod server;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use apptheory::clock::SystemClock;
use clap::{Parser, Subcommand};

use server::{Playground, PlaygroundError};

/// Serves one route per rate limiting strategy, an event bus, and a chat, on loopback. Ctrl-C stops
/// it.
#[derive(Parser)]
#[command(name = "cargo playground", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port to listen on; 0 lets the system choose one. Without it, 8080, or another one if
    /// that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// The directory to keep counters and events in, so that they survive a restart. Without it
    /// they end with the server.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Answer streams in one piece, as services do that do not stream. Nothing is sent before a
    /// stream ends, or 29 s are over.
    #[arg(long)]
    buffered: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Looks into cursors of the event bus.
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

#[tokio::main]
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
    // Heeded from here on, so that no signal is lost while the server starts.
    let stop = apptheory::local::stop_signal()?;
    let playground = open(arguments.port, arguments.data).await?;
    let playground = if arguments.buffered { playground.buffered() } else { playground };
    let greeting = playground.greeting();
    // Nobody may be listening; the server is there all the same.
    drop(io::stdout().write_all(greeting.as_bytes()));
    playground.serve(stop).await;
    Ok(())
}

/// Opens the playground on a port, or on the usual one if that is free.
async fn open(port: Option<u16>, data: Option<PathBuf>) -> Result<Playground, PlaygroundError> {
    let usual = Playground::open(port.unwrap_or(8080), data.clone(), SystemClock).await;
    match usual {
        Err(PlaygroundError::Listen(_)) if port.is_none() => {
            Playground::open(0, data, SystemClock).await
        }
        opened => opened,
    }
}
