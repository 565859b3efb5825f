//! A sliding window with several processes, over a network with delays and losses.

mod proxy;

use core::time::Duration;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use apptheory::clock::{Clock, SystemClock};
use apptheory::execute::Execute;
use apptheory::limiter::{
    Basis, Coverage, Limiter, LimiterBuilder, RateLimitKey, RateLimiter, SlidingWindow,
};
use apptheory::store::aws::aws_sdk_dynamodb::Client as SdkClient;
use apptheory::store::{AwsStore, Store, StoreEffect};
use apptheory::time::Timestamp;
use dynoxide::Database;
use futures_util::future::join_all;

use self::proxy::slow;
use crate::support::{block_on, config, serve, store_at};
use crate::{CLIENTS, Client, lean_at};

/// The limit in three seconds, counted by the second.
const LIMIT: i64 = 10;
const PARTS: i64 = 3;
const SKEW: Duration = Duration::from_millis(20);

/// The longest delay of a message, in either direction.
const LATENCY: Duration = Duration::from_millis(200);

/// Marks the process as a caller.
const CALLER: &str = "APPTHEORY_CALLER";

fn limiter(coverage: Coverage) -> LimiterBuilder {
    let window = Duration::from_secs(u64::try_from(PARTS).unwrap());
    let sliding = SlidingWindow::new(window, Duration::from_secs(1), LIMIT).unwrap();
    let builder = Limiter::fail_closed(sliding.with_coverage(coverage));
    builder.skew_allowance(SKEW).unwrap()
}

/// A clock that is ahead of the machine's.
#[derive(Clone, Copy, Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add(self.0)
    }

    async fn sleep(&self, duration: Duration) -> Timestamp {
        SystemClock.sleep(duration).await.saturating_add(self.0)
    }
}

/// Records when the last call got its reply.
struct Noting<X> {
    inner: X,
    answered_at: Mutex<Timestamp>,
}

impl<E, X> Execute<E> for Noting<X>
where
    E: StoreEffect<Outcome: Send> + Sync,
    X: Execute<E> + Send,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let outcome = self.inner.execute(effect).await;
        if let Some(answered_at) = E::answered_at(&outcome) {
            *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner) = answered_at;
        }
        outcome
    }
}

/// One admission: the second that it counts in, and the real instant in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Admission {
    second: i64,
    at: i128,
}

/// Decides repeatedly until `ends_at`, and returns the admissions.
async fn decide_until(
    ends_at: Timestamp,
    url: &str,
    coverage: Coverage,
    clock: Ahead,
    client: Client,
) -> Vec<Admission> {
    let store = match client {
        Client::Sdk => {
            let client = SdkClient::from_conf(config().build());
            let store = AwsStore::new(client).with_endpoint_url(url).with_clock(clock);
            Store::builder().clock(clock).executor(store)
        }
        Client::Lean => lean_at(url, clock).await,
    };
    let noting = Noting { inner: store, answered_at: Mutex::new(Timestamp::UNIX_EPOCH) };
    let noting = Arc::new(noting);
    let store = Store::builder().clock(clock).executor(Arc::clone(&noting));
    let limiter =
        RateLimiter::new(limiter(coverage).build(), &store).with_budget(Duration::from_millis(900));
    let key = RateLimitKey::new("tenant-7", "/orders", "POST").unwrap();
    let mut admitted = Vec::new();
    while SystemClock.now() < ends_at {
        // A request whose reply is lost is an error, and may have been counted.
        let decision = limiter.check_and_increment(limiter.attempt(key.clone())).await;
        if let Ok(decision) = decision
            && decision.allowed
            && decision.basis == Basis::Counted
        {
            let answered_at = *noting.answered_at.lock().unwrap_or_else(PoisonError::into_inner);
            let at = answered_at.saturating_sub(clock.0).unix_nanos();
            admitted.push(Admission { second: decision.window.unwrap().start.unix_seconds(), at });
        }
    }
    admitted
}

#[test]
#[ignore = "a caller of the tests below, in a process of its own"]
#[expect(clippy::disallowed_methods, reason = "what another process is told")]
fn caller() {
    let Ok(told) = std::env::var(CALLER) else { return };
    let [url, coverage, ahead, seconds] = told.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    let coverage = if coverage == "aligned" { Coverage::Aligned } else { Coverage::Conservative };
    let clock = Ahead(Duration::from_millis(ahead.parse().unwrap()));
    let ends_at = SystemClock.now().saturating_add(Duration::from_secs(seconds.parse().unwrap()));
    let clients = CLIENTS.into_iter().cycle().take(4);
    let instances = clients.map(|client| decide_until(ends_at, url, coverage, clock, client));
    let admitted = block_on(join_all(instances));
    let mut out = std::io::stdout().lock();
    for Admission { second, at } in admitted.into_iter().flatten() {
        writeln!(out, "\nadmitted {second} {at}").unwrap();
    }
}

/// Runs `processes` for a number of seconds, and returns their admissions.
fn campaign(seed: u64, coverage: Coverage, processes: u64, seconds: u64) -> Vec<Admission> {
    let database = Database::memory().unwrap();
    block_on(serve(database, async |url| {
        store_at(&url).create_table(&limiter(coverage).build().table()).await.unwrap();
        let server = url.trim_start_matches("http://").parse().unwrap();
        let url = slow(server, seed, LATENCY, 40).await;
        let name = if coverage == Coverage::Aligned { "aligned" } else { "conservative" };
        let run = |process: u64| {
            let ahead = SKEW.as_millis() * u128::from(process % 2);
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "sliding::caller", "--nocapture"])
                .env(CALLER, format!("{url} {name} {ahead} {seconds}"))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        };
        let mut admitted = Vec::new();
        for output in join_all((0..processes).map(run)).await {
            let output = output.unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            admitted.extend(text.lines().filter_map(|line| {
                let (second, at) = line.strip_prefix("admitted ")?.split_once(' ')?;
                Some(Admission { second: second.parse().unwrap(), at: at.parse().unwrap() })
            }));
        }
        admitted
    }))
}

/// Returns the most units counted in sub-windows that are added up together, and the most admitted
/// in a real span of time for which the coverage gives a guarantee.
fn busiest(admitted: &[Admission], coverage: Coverage) -> (usize, usize) {
    let (covered, span) = match coverage {
        Coverage::Aligned => (PARTS, PARTS - 1),
        Coverage::Conservative => (PARTS + 1, PARTS),
    };
    let most = |is_near: &dyn Fn(&Admission, &Admission) -> bool| {
        let near = |first| admitted.iter().filter(|one| is_near(first, one)).count();
        admitted.iter().map(near).max().unwrap_or(0)
    };
    let counted = most(&|first, one| (first.second..first.second + covered).contains(&one.second));
    let span = i128::from(span) * 1_000_000_000;
    let real = most(&|first, one| (first.at..=first.at + span).contains(&one.at));
    (counted, real)
}

#[test]
fn processes_behind_a_slow_network_keep_the_limit() {
    let limit = usize::try_from(LIMIT).unwrap();
    let admitted = campaign(1, Coverage::Conservative, 3, 6);
    assert!(!admitted.is_empty(), "nobody was admitted at all");
    let (counted, real) = busiest(&admitted, Coverage::Conservative);
    assert!(counted <= limit && real <= limit, "{counted} and {real} of {limit}: {admitted:?}");
}

#[test]
#[ignore = "takes minutes: .ci/long runs it"]
#[expect(clippy::disallowed_methods, reason = "how long it may take is said from outside")]
fn a_long_campaign_keeps_the_limit() {
    let rounds = std::env::var("APPTHEORY_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let limit = usize::try_from(LIMIT).unwrap();
    let mut exceeded = 0;
    for seed in 0..rounds {
        for coverage in [Coverage::Conservative, Coverage::Aligned] {
            let admitted = campaign(seed, coverage, 8, 30);
            let (counted, real) = busiest(&admitted, coverage);
            let mut out = std::io::stdout().lock();
            writeln!(
                out,
                "seed {seed}, {coverage:?}: {} admitted; at most {counted} counted together and \
                 {real} in a span, of {limit}",
                admitted.len(),
            )
            .unwrap();
            exceeded += usize::from(admitted.is_empty() || counted > limit || real > limit);
        }
    }
    assert_eq!(exceeded, 0);
}
