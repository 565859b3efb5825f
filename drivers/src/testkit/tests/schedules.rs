//! Schedules: each order once, with faults; and the worlds that follow them.

use core::time::Duration;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use apptheory_core::limiter::{FixedWindow, Limiter, MultiWindow, Quota, SlidingWindow};
use apptheory_core::machine::{Machine, Step};
use apptheory_core::run::run;
use apptheory_core::store::{
    self, GetItem, Guard, Item, Key, KeySchema, Number, Outcome, PutItem, Sleep, StoreRequest,
    TableDefinition, Value, Written,
};
use apptheory_core::time::Timestamp;

use crate::layer::Fault;
use crate::testkit::{Run, Schedules, TestEnv, World, model};

/// A counter with a race: it writes what it read some time ago.
#[derive(Clone, Debug)]
struct Careless;

impl Machine for Careless {
    type Output = Outcome<Written>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        self.ask(GetItem { table: "counts".into(), key: key(), consistent: true }, Self::on_read)
    }
}

impl Careless {
    fn on_read(self, read: Outcome<Option<Item>>) -> Step<Self> {
        let read = match read {
            Ok(read) => read.answer,
            Err(error) => return Step::Done(Err(error)),
        };
        let count = read.map_or(0, |item| count_of(&item)) + 1;
        let item = key().to_item().with("Count", Value::N(Number::from(count)));
        self.ask(PutItem { table: "counts".into(), item, guard: Guard::Always }, |_, written| {
            Step::Done(written)
        })
    }
}

/// Sleeps for a second, and returns the time afterwards.
#[derive(Clone, Debug)]
struct Sleeper;

impl Machine for Sleeper {
    type Output = Timestamp;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        self.ask(Sleep { duration: Duration::from_secs(1) }, |_, woken| Step::Done(woken))
    }
}

fn key() -> Key {
    Key::of("ID", Value::from("c1"))
}

fn count_of(item: &Item) -> i64 {
    match item.get("Count") {
        Some(Value::N(count)) => count.to_string().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn counts() -> World {
    World::default().with_table(TableDefinition {
        name: "counts".into(),
        key: KeySchema { partition: "ID".into(), sort: None },
        indexes: vec![],
        ttl: "ttl".into(),
    })
}

/// Returns the final count of each schedule.
fn ends(schedules: Schedules) -> Vec<i64> {
    let world = counts();
    let end = |run: Run<_>| {
        let items = run.world.memory().items(&"counts".into());
        items.first().map_or(0, count_of)
    };
    schedules.map(|schedule| end(world.run_each(schedule, |_| Careless))).collect()
}

fn panics(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| {
        panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).unwrap_or_default()
    })
}

#[test]
fn each_order_is_followed_once() {
    // Two calls of each caller: 6! / 2!³ orders.
    assert_eq!(ends(Schedules::of(3)).len(), 90);
    assert_eq!(ends(Schedules::of(2)).len(), 6);
    assert_eq!(ends(Schedules::of(1)), [1]);
    let mut orders = BTreeSet::new();
    let mut schedules = Schedules::of(3);
    while let Some(schedule) = schedules.next() {
        counts().run_each(schedule, |_| Careless);
        orders.insert(schedules.course.borrow().to_string());
    }
    assert_eq!(orders.len(), 90);
}

#[test]
fn a_count_that_is_read_before_it_is_written_gets_lost() {
    let ends = ends(Schedules::of(2));
    assert_eq!(ends.iter().filter(|count| **count == 2).count(), 2);
    assert_eq!(ends.iter().filter(|count| **count == 1).count(), 4);
}

#[test]
fn one_reply_is_lost_at_most_and_each_once() {
    // With one caller: no reply is lost, that of the write, or that of the read.
    assert_eq!(ends(Schedules::of(1).losing_one_reply()), [1, 1, 0]);
    // With two: no reply is lost, in 6 orders; that of either write, in 6 orders; or that of either
    // read, whose caller does not write then, so that there are 3 orders.
    assert_eq!(ends(Schedules::of(2).losing_one_reply()).len(), 6 + 2 * 6 + 2 * 3);
}

#[test]
fn calls_fail_in_every_way() {
    let mut told = Vec::new();
    for schedule in Schedules::of(1).failing(1) {
        let run = counts().run_each(schedule, |_| Careless);
        let count = run.world.memory().items(&"counts".into()).len();
        told.push((run.outputs[0].as_ref().err().copied(), count));
    }
    let errors = Fault::ALL.map(|fault| Some(fault.error));
    assert_eq!(told[0], (None, 1));
    // The write: applied with its reply lost; and not applied.
    assert_eq!(told[1..5], [(errors[0], 1), (errors[1], 0), (errors[2], 0), (errors[3], 0)]);
    // The read.
    assert_eq!(told[5..], errors.map(|error| (error, 0)));
    assert_eq!(ends(Schedules::of(1).failing(2)).len(), told.len(), "a caller that failed is done");
}

#[test]
fn a_delayed_reply_arrives_then_and_others_act_before() {
    let late = Duration::from_secs(7);
    let mut seen = BTreeSet::new();
    for schedule in Schedules::of(2).delaying_one_reply(late) {
        let run = counts().run_each(schedule, |_| Careless);
        let at = |written: &Outcome<Written>| {
            let after = written.as_ref().unwrap().at.unix_seconds();
            after - TestEnv::BEGINNING.unix_seconds()
        };
        seen.insert((at(&run.outputs[0]), at(&run.outputs[1])));
    }
    assert_eq!(seen, [(0, 0), (0, 7), (7, 0), (7, 7)].into());
}

#[test]
fn delayed_replies_of_a_sliding_window_admit_at_most_the_limit() {
    let (window, part) = (Duration::from_secs(2), Duration::from_secs(1));
    let limiter = Limiter::fail_closed(SlidingWindow::new(window, part, 1).unwrap()).build();
    let world = World::new(&limiter);
    // It finds its own count from the previous sub-window.
    let admitted = Schedules::of(2)
        .delaying_one_reply(part)
        .map(|schedule| world.run(&limiter, schedule).admitted());
    assert_eq!(admitted.collect::<BTreeSet<_>>(), [0, 1].into());
}

#[test]
fn sleeps_set_the_clock_ahead_and_do_not_fail() {
    let runs = Schedules::of(2).failing(2).map(|schedule| {
        let run = World::default().run_each(schedule, |_| Sleeper);
        run.outputs
            .iter()
            .map(|woken| woken.unix_seconds() - TestEnv::BEGINNING.unix_seconds())
            .collect()
    });
    assert_eq!(runs.collect::<Vec<Vec<_>>>(), [[1, 2], [2, 1]]);
}

#[test]
fn runs_of_a_schedule_do_not_change_the_world() {
    let limiter = Limiter::fail_closed(FixedWindow::per_minute(2)).build();
    let world = World::new(&limiter);
    for schedule in Schedules::of(3) {
        let run = world.run(&limiter, schedule);
        assert_eq!(run.admitted(), 2);
        assert_eq!(run.world.memory().items(&limiter.table().name).len(), 1);
        assert_eq!(world.memory().items(&limiter.table().name).len(), 0);
    }
}

#[test]
fn a_run_in_the_end_of_another_makes_decisions_of_its_own() {
    let quota = |limit, seconds| Quota { limit, window: Duration::from_secs(seconds) };
    let strategy = MultiWindow::new([quota(2, 10), quota(3, 60)]).unwrap();
    let limiter = Limiter::fail_closed(strategy).build();
    let mut world = World::new(&limiter);
    let mut admitted = Vec::new();
    for _ in 0..3 {
        let schedule = Schedules::of(3).next().unwrap();
        let run = world.run(&limiter, schedule);
        admitted.push(run.admitted());
        world = run.world;
    }
    assert_eq!(admitted, [2, 0, 0]);
}

#[test]
fn a_schedule_in_another_world_panics() {
    let limiter = Limiter::fail_closed(FixedWindow::per_minute(2)).build();
    let told = panics(|| {
        let mut world = World::new(&limiter);
        for schedule in Schedules::of(2) {
            world = world.run(&limiter, schedule).world;
        }
    });
    assert!(told.contains("started in another world"), "{told}");
}

#[test]
fn a_printed_schedule_says_how_each_call_ended() {
    let limiter = Limiter::fail_closed(FixedWindow::per_minute(1)).build();
    let printed = |world: &World| {
        let schedules = Schedules::of(2).losing_one_reply();
        let (mut texts, course) = (Vec::new(), Rc::clone(&schedules.course));
        for schedule in schedules {
            drop(world.run(&limiter, schedule));
            texts.push(course.borrow().to_string());
        }
        texts
    };
    let texts = printed(&World::new(&limiter));
    assert_eq!(texts[0], "caller 0: UpdateItem\ncaller 1: UpdateItem, refused\n");
    assert!(texts.iter().any(|text| text.contains("applied, reply lost")), "{texts:?}");
    let texts = printed(&World::default());
    assert!(
        texts[0].starts_with("caller 0: UpdateItem, failed: Misconfigured(MissingTable)\n"),
        "{texts:?}"
    );
}

#[test]
fn a_limiter_that_fails_open_admits_more_than_its_limit() {
    let limiter = Limiter::fail_open(FixedWindow::per_minute(2)).build();
    let world = World::new(&limiter);
    let most = |schedules: Schedules| {
        schedules.map(|schedule| world.run(&limiter, schedule).admitted()).max()
    };
    assert_eq!(most(Schedules::of(4)), Some(2));
    assert_eq!(most(Schedules::of(4).losing_one_reply()), Some(3));
    assert_eq!(most(Schedules::of(4).losing_one_reply().losing_one_reply()), Some(4));
}

#[test]
fn a_reply_arrives_with_the_answer_of_the_time_it_was_sent() {
    let mut world = counts();
    let Step::Ask(read) = Careless.start() else { panic!("it reads") };
    let sent = world.send(&read, None);
    drop(run(Careless, &mut world));
    let Step::Ask(write) = world.arrive(read, sent) else { panic!("it writes") };
    let sent = world.send(&write, Some(Fault::REPLY_LOST));
    let Step::Done(written) = world.arrive(write, sent) else { panic!("it is done") };
    assert_eq!(written, Err(store::Error::Timeout));
    assert_eq!(count_of(&world.memory().items(&"counts".into())[0]), 1);
}

#[test]
fn an_unfollowed_schedule_panics() {
    let told = panics(|| for _ in Schedules::of(2) {});
    assert!(told.contains("a schedule was not followed"), "{told}");
}

#[test]
fn machines_that_do_not_repeat_their_choices_panic() {
    for (first, later) in [(3, 2), (2, 3), (2, 1)] {
        let told = panics(|| {
            let mut callers = first;
            for schedule in Schedules::of(3) {
                World::default().run_each(schedule, |caller| Sometimes(caller < callers));
                callers = later;
            }
        });
        assert!(told.contains("did not repeat the choices"), "{told}");
    }
}

/// Sleeps, or does nothing.
#[derive(Clone, Debug)]
struct Sometimes(bool);

impl Machine for Sometimes {
    type Output = ();
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        if !self.0 {
            return Step::Done(());
        }
        self.ask(Sleep { duration: Duration::ZERO }, |_, _| Step::Done(()))
    }
}

#[test]
fn the_course_of_a_schedule_lists_every_turn() {
    let late = Duration::from_secs(7);
    let mut schedules = Schedules::of(1).losing_one_reply().delaying_one_reply(late);
    let mut told = Vec::new();
    while let Some(schedule) = schedules.next() {
        counts().run_each(schedule, |_| Careless);
        told.push(schedules.course.borrow().to_string());
    }
    let expected = [
        "caller 0: GetItem\ncaller 0: PutItem\n",
        "caller 0: GetItem\ncaller 0: PutItem, applied, reply lost: Timeout\n",
        "caller 0: GetItem\ncaller 0: PutItem, reply delayed by 7s\ncaller 0: PutItem, reply arrives\n",
        "caller 0: GetItem, applied, reply lost: Timeout\n",
    ];
    assert_eq!(told[..4], expected);
}

#[test]
fn a_model_without_a_window_or_period_panics() {
    for limit in [
        model::Limit::FixedWindow { window: Duration::ZERO, limit: 1 },
        model::Limit::MultiWindow(Vec::new()),
        model::Limit::TokenBucket { period: Duration::ZERO, limit: 1, burst: 1 },
    ] {
        let told = panics(|| {
            let _ = limit.room(&[], TestEnv::BEGINNING);
        });
        assert!(told.starts_with("a limit without a window or period: "), "{told}");
    }
}
