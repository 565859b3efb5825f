//! Where the schedules of a test are, of all that there can be.

use core::fmt;
use core::time::Duration;

use crate::layer::Fault;

/// An odometer whose runs find how many digits there are, and how far each goes: what is chosen at
/// each point of a schedule, of how many alternatives. Beyond the last digit a schedule takes the
/// first alternative, and notes how many there are.
#[derive(Debug, Default)]
pub(super) struct Course {
    choices: Vec<Choice>,
    /// How many of the choices the schedule that is followed has come by.
    made: usize,
    turns: Vec<Turn>,
    standing: Standing,
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
    /// A schedule is to be followed.
    Given,
    Followed,
}

/// What happened in a turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) caller: usize,
    /// The name of the effect.
    pub(super) effect: &'static str,
    /// What became of it; of a delayed reply, that it arrives now.
    pub(super) fate: Option<Fate>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    Failed(Fault),
    /// It is carried out, and its reply comes so much later.
    Delayed(Duration),
}

impl Course {
    /// Goes on to the next schedule, if there is one.
    pub(super) fn next_schedule(&mut self) -> bool {
        let is_one = match self.standing {
            Standing::New => true,
            Standing::Given => panic!(
                "a schedule was not followed: hand each to `World::run` or `World::run_each` before \
                 the next one"
            ),
            Standing::Followed => self.turn_over(),
        };
        if is_one {
            self.standing = Standing::Given;
        }
        is_one
    }

    /// Takes the next alternative of the last choice that has one, and forgets those after it.
    fn turn_over(&mut self) -> bool {
        while let Some(Choice { taken, among }) = self.choices.pop() {
            if taken + 1 < among {
                self.choices.push(Choice { taken: taken + 1, among });
                return true;
            }
        }
        false
    }

    pub(super) fn start(&mut self) {
        self.made = 0;
        self.turns.clear();
        self.standing = Standing::Followed;
    }

    /// Chooses one of so many alternatives.
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

    pub(super) fn end(&self) {
        assert_eq!(self.choices.len(), self.made, "{OTHER_COURSE}");
    }
}

const OTHER_COURSE: &str = "a schedule began as the one before it and went another way: start each in \
                            the same world, with the same machines";

/// The turns of the last schedule, a line each.
impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Turn { caller, effect, fate } in &self.turns {
            write!(f, "caller {caller}: {effect}")?;
            match fate {
                Some(Fate::Answered) => f.write_str("\n"),
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
