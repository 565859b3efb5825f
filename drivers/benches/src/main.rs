//! Runs every benchmark beside its peers, and writes the page with the figures.
//!
//! ```text
//! cargo run --release -p apptheory-bench               # everything; writes the page
//! cargo run --release -p apptheory-bench -- look-ups   # some groups; writes nothing
//! cargo run --release -p apptheory-bench -- --quick    # with a fifth of the turns
//! cargo run -p apptheory-bench -- --once               # only to run everything; writes nothing
//! ```
//!
//! Some benchmarks need another process: this program in another role, or a function that is built
//! for it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark ends where its stage cannot be set, and says where"
)]

mod batches;
mod broadcast;
mod bus;
mod client;
mod decisions;
mod dynamodb;
mod functions;
mod json;
mod local;
mod logs;
mod look_ups;
mod machine;
mod measure;
mod metrics;
mod page;
mod plots;
mod requests;
mod sanitizer;
#[path = "../../tests/lambda/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "a benchmark plays fewer roles than the tests")]
mod server;
mod starts;
mod streaming;
mod table;

use clap::Parser;

use measure::{Effort, now};
use table::{Group, HEAD};

/// Every group, in the order of the page.
const GROUPS: [Group; 14] = [
    starts::GROUP,
    client::GROUP,
    decisions::GROUP,
    requests::GROUP,
    look_ups::GROUP,
    batches::GROUP,
    bus::GROUP,
    json::GROUP,
    local::GROUP,
    streaming::GROUP,
    logs::GROUP,
    sanitizer::GROUP,
    metrics::GROUP,
    broadcast::GROUP,
];

/// Measures AppTheory beside its peers.
#[derive(Parser)]
struct Arguments {
    /// Groups to measure; all of them, and the page is written, when none is named.
    groups: Vec<String>,
    /// Measures with a fifth of the turns.
    #[arg(long)]
    quick: bool,
    /// Does everything once, to see that it runs, and prints no figures.
    #[arg(long, conflicts_with = "quick")]
    once: bool,
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, role, rest @ ..] = &*arguments
        && first == "role"
    {
        play(role, rest);
        return Ok(());
    }
    let arguments = Arguments::parse();
    let effort = match arguments {
        Arguments { once: true, .. } => Effort::Once,
        Arguments { quick: true, .. } => Effort::Quick,
        _ => Effort::Full,
    };
    let is_chosen = |group: &Group| {
        arguments.groups.is_empty() || arguments.groups.iter().any(|name| name == group.name)
    };
    let unknown =
        arguments.groups.iter().find(|name| GROUPS.iter().all(|group| group.name != *name));
    if let Some(unknown) = unknown {
        let names = GROUPS.map(|group| group.name).join(", ");
        return Err(format!("there is no group {unknown}: there are {names}").into());
    }
    let machine = machine::describe();
    let mut measured = Vec::new();
    for group in GROUPS.into_iter().filter(is_chosen) {
        let begin = now();
        let rows = (group.run)(effort);
        println!("\n## {} ({:.0} s)\n", group.title, begin.elapsed().as_secs_f64());
        if effort == Effort::Once {
            let left_out =
                rows.iter().filter_map(|row| Some((&row.what, row.figures.as_ref().err()?)));
            left_out.clone().for_each(|(what, why)| println!("left out: {what}: {why}"));
            println!("{} rows ran", rows.len() - left_out.count());
        } else {
            print!("{HEAD}");
            rows.iter().for_each(|row| println!("{row}"));
        }
        measured.push((group, rows));
    }
    if arguments.groups.is_empty() && effort != Effort::Once {
        page::write(&measured, effort, &machine)?;
    }
    Ok(())
}

/// Plays a role for another process of this program.
fn play(role: &str, arguments: &[String]) {
    match role {
        client::ROLE => client::play(arguments),
        local::ROLE => local::play(arguments),
        streaming::ROLE => streaming::play(arguments),
        other => panic!("there is no role {other}"),
    }
}
