//! Cold starts: from the start of the process to the first response, and the sizes of the files.

use std::path::{Path, PathBuf};
use std::process::Command;

use apptheory_counts::samples;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::dynamodb;
use crate::functions::{self, Running, on_lambda};
use crate::measure::{Effort, median, now};
use crate::server::RuntimeApi;
use crate::table::{Blocked, Figures, Group, Row, Unit};

pub(crate) const GROUP: Group = Group {
    name: "cold-starts",
    title: "Cold starts",
    how: "A process is started that finds a Runtime API and a DynamoDB on this machine, without TLS. The event \
          of an HTTP API waits for it: it is counted by one decision of a fixed window, read as JSON and answered. \
          `peer` does the same on `lambda_http`, axum and the AWS SDK with its default features, with one conditional \
          update by hand. Both are built with the profile `function`: link-time optimization, one codegen unit, stripped.",
    run,
};

/// A build of our function.
struct Build {
    name: &'static str,
    features: &'static str,
    /// Whether the peer does the same work.
    has_peer: bool,
}

const BUILDS: [Build; 5] = [
    Build { name: "AWS SDK", features: "aws", has_peer: true },
    Build { name: "no AWS SDK (`aws-lean`)", features: "aws-lean,start", has_peer: true },
    Build {
        name: "no AWS SDK, the features `lambda` and `aws-lean` alone",
        features: "aws-lean",
        has_peer: true,
    },
    Build { name: "no client, counters in memory", features: "start", has_peer: false },
    Build { name: "no limit, the feature `lambda` alone", features: "", has_peer: false },
];

const PEER: &str = "lambda_http, axum, AWS SDK";

fn run(effort: Effort) -> Vec<Row> {
    let peer = functions::peer(effort);
    let ours = BUILDS.map(|build| functions::ours(effort, build.features));
    let built: Vec<&Path> =
        ours.iter().chain([&peer]).filter_map(|path| path.as_deref().ok()).collect();
    let stage = Stage::new();
    // In turns, like everything else.
    let mut starts: Vec<Vec<Start>> = vec![Vec::new(); built.len()];
    for _ in 0..=effort.turns() {
        for (path, starts) in built.iter().zip(&mut starts) {
            starts.push(stage.start(path));
        }
    }
    let of = |path: &Path, figure: fn(&Start) -> f64| {
        let at = built.iter().position(|built| *built == path);
        median(starts[at.expect("what is built was started")].iter().map(figure).collect())
    };
    let mut rows = Vec::new();
    for (build, ours) in BUILDS.iter().zip(&ours) {
        let peer = build.has_peer.then_some(&peer);
        let mut row = |what: &str, unit, figure: &dyn Fn(&Path) -> f64| {
            let figures = figures(ours, peer, unit, figure);
            rows.push(Row { what: format!("{what}, {}", build.name), figures });
        };
        row("until it asks for its first event", Unit::Seconds, &|path| {
            of(path, |start| start.asked)
        });
        row("until its first answer", Unit::Seconds, &|path| of(path, |start| start.answered));
        row("file", Unit::Bytes, &size);
    }
    rows
}

type Built = Result<PathBuf, Blocked>;

fn figures(
    ours: &Built,
    peer: Option<&Built>,
    unit: Unit,
    figure: &dyn Fn(&Path) -> f64,
) -> Result<Figures, Blocked> {
    let figure = |built: &Built| built.as_deref().map(figure).map_err(Blocked::clone);
    let peer = peer.map(figure).transpose()?.map(|peer| (PEER, peer));
    Ok(Figures { unit, ours: figure(ours)?, peer })
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn size(path: &Path) -> f64 {
    path.metadata().map_or(f64::NAN, |file| file.len() as f64)
}

/// The duration of a start, in seconds.
#[derive(Clone, Copy)]
struct Start {
    asked: f64,
    answered: f64,
}

struct Stage {
    runtime: tokio::runtime::Runtime,
    dynamodb: String,
    event: String,
}

impl Stage {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, dynamodb: dynamodb::serve(), event: samples::event() }
    }

    fn start(&self, function: &Path) -> Start {
        self.runtime.block_on(async {
            let mut api = RuntimeApi::listen().await;
            let mut command = Command::new(function);
            on_lambda(&mut command, api.address())
                .env("AWS_REGION", "eu-central-1")
                .env("AWS_ACCESS_KEY_ID", "id")
                .env("AWS_SECRET_ACCESS_KEY", "secret")
                .env("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb)
                .env("APPTHEORY_RATE_LIMIT_TABLE_NAME", dynamodb::TABLE);
            let begin = now();
            let running = Running::start(&mut command);
            let poll = api.poll().await;
            let asked = begin.elapsed();
            poll.hand_out("r1", &DEADLINE, &self.event).await;
            let mut answer = api.request().await;
            let answered = begin.elapsed();
            let answer: Value = answer.json().await;
            assert_eq!(answer["statusCode"], 200, "{}: {answer}", function.display());
            drop(running);
            Start { asked: asked.as_secs_f64(), answered: answered.as_secs_f64() }
        })
    }
}

/// A deadline far in the future.
pub(crate) const DEADLINE: [(&str, &str); 1] = [("Lambda-Runtime-Deadline-Ms", "4000000000000")];
