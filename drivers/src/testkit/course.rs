//! Enumerates the schedules of a test.

use core::fmt;
use core::time::Duration;

use apptheory_core::store::Conclusion;

use super::world::World;
use crate::layer::Fault;

/// An odometer over the choices of a schedule. Runs discover how many digits there are, and how
/// many alternatives each has. Beyond the last digit a schedule takes the first alternative, and
/// records the number of alternatives.
#[derive(Debug, Default)]
pub(super) struct Course {
    choices: Vec<Choice>,
    /// The number of choices that the current schedule has made.
    made: usize,
    turns: Vec<Turn>,
    standing: Standing,
    /// The world in which the first schedule started.
    beginning: Option<World>,
}

#[derive(Debug)]
struct Choice {
    taken: usize,
    among: usize,
}

#[derive(Debug, Default)]
enum Standing {
    #[default]
    New,
    /// A schedule was handed out and not followed yet.
    Given,
    Followed,
}

/// An event in a schedule.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) caller: usize,
    /// The name of the effect.
    pub(super) effect: &'static str,
    /// The fate of the call; `None` when a delayed reply arrives.
    pub(super) fate: Option<Fate>,
    /// How an answered call ended.
    pub(super) conclusion: Option<Conclusion>,
}

/// The fate of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    Failed(Fault),
    /// The call is executed, and its reply is delayed.
    Delayed(Duration),
}

impl Course {
    /// Advances to the next schedule; returns whether there is one.
    pub(super) fn next_schedule(&mut self) -> bool {
        let is_one = match self.standing {
            Standing::New => true,
            Standing::Given => panic!(
                "a schedule was not followed: pass each to `World::run` or `World::run_each` before \
                 the next one"
            ),
            Standing::Followed => self.turn_over(),
        };
        if is_one {
            self.standing = Standing::Given;
        }
        is_one
    }

    /// Takes the next alternative of the last choice that has one, and discards later choices.
    fn turn_over(&mut self) -> bool {
        while let Some(Choice { taken, among }) = self.choices.pop() {
            if taken + 1 < among {
                self.choices.push(Choice { taken: taken + 1, among });
                return true;
            }
        }
        false
    }

    pub(super) fn start(&mut self, world: &World) {
        let beginning = self.beginning.get_or_insert_with(|| world.fork());
        assert!(beginning == world, "{OTHER_WORLD}");
        self.made = 0;
        self.turns.clear();
        self.standing = Standing::Followed;
    }

    /// Chooses one of `among` alternatives.
    pub(super) fn choose(&mut self, among: usize) -> usize {
        if among == 1 {
            return 0;
        }
        if self.made == self.choices.len() {
            self.choices.push(Choice { taken: 0, among });
        }
        let choice = &self.choices[self.made];
        assert_eq!(choice.among, among, "{OTHER_COURSE}");
        self.made += 1;
        choice.taken
    }

    pub(super) fn note(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    /// Adds to the last turn how its call ended.
    pub(super) fn conclude(&mut self, conclusion: Conclusion) {
        if let Some(turn) = self.turns.last_mut() {
            turn.conclusion = Some(conclusion);
        }
    }

    pub(super) const fn has_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn end(&self) {
        assert_eq!(self.choices.len(), self.made, "{OTHER_COURSE}");
    }
}

const OTHER_COURSE: &str = "a schedule did not repeat the choices of the one before it: start each in \
                            the same world, with the same machines";

const OTHER_WORLD: &str = "a schedule started in another world than the one before it: start each in \
                           the same world, and not in the end of a run";

/// Prints the events of the last schedule, one per line.
impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Turn { caller, effect, fate, conclusion } in &self.turns {
            write!(f, "caller {caller}: {effect}")?;
            match fate {
                Some(Fate::Answered) => match conclusion {
                    Some(Conclusion::Failed(error)) => writeln!(f, ", failed: {error:?}"),
                    Some(Conclusion::Refused) => f.write_str(", refused\n"),
                    Some(Conclusion::Answered | Conclusion::Applied) | None => f.write_str("\n"),
                },
                Some(Fate::Failed(Fault { error, applied: true })) => {
                    writeln!(f, ", applied, reply lost: {error:?}")
                }
                Some(Fate::Failed(Fault { error, applied: false })) => {
                    writeln!(f, ", not applied: {error:?}")
                }
                Some(Fate::Delayed(by)) => writeln!(f, ", reply delayed by {by:?}"),
                None => f.write_str(", reply arrives\n"),
            }?;
        }
        Ok(())
    }
}
