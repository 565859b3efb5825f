use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A writer that passes on what it gets, and waits for its next result.
struct Scripted {
    given: Sender<String>,
    answers: Receiver<io::Result<()>>,
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.given.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
        self.answers.recv().unwrap().map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn scripted() -> (Scripted, Receiver<String>, Sender<io::Result<()>>) {
    let (given, written) = channel();
    let (answer, answers) = channel();
    (Scripted { given, answers }, written, answer)
}

/// Returns a queue of two lines that no other test flushes.
fn queue(writer: impl Write + Send + 'static) -> Queue {
    Queue::on(Shared::new(writer, 2, lost), Shared::start_thread)
}

fn lost(count: u64) -> String {
    format!("{count} lost")
}

fn stats(written: u64, dropped: u64, failed: u64) -> LogStats {
    LogStats { written, dropped, failed }
}

#[test]
fn lines_are_written_in_order_and_dropped_ones_are_counted_and_reported() {
    let (writer, written, answer) = scripted();
    let queue = queue(writer);
    assert!(queue.push("a"));
    assert_eq!(written.recv().unwrap(), "a\n"); // and the writer is busy with it
    assert!(queue.push("b") && queue.push("c"));
    assert!(!queue.push("d") && !queue.push("e"));
    assert!(!queue.flush(Duration::ZERO));
    assert_eq!(queue.stats(), stats(0, 2, 0));

    answer.send(Ok(())).unwrap();
    assert_eq!(written.recv().unwrap(), "b\nc\n2 lost\n");
    assert!(queue.push("f")); // there is room while it writes
    answer.send(Ok(())).unwrap();
    answer.send(Ok(())).unwrap();
    assert!(queue.flush(LONG));
    assert_eq!(written.recv().unwrap(), "f\n"); // the loss is reported only once
    assert_eq!(queue.stats(), stats(4, 2, 0));
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_reported() {
    let (writer, written, answer) = scripted();
    let queue = queue(writer);
    for line in ["a", "b"] {
        assert!(queue.push(line));
        answer.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        assert!(queue.flush(LONG));
    }
    assert!(queue.push("c"));
    answer.send(Ok(())).unwrap();
    assert!(queue.flush(LONG));
    assert_eq!(queue.stats(), stats(1, 0, 2));
    let written: Vec<String> = written.try_iter().collect();
    assert_eq!(written, ["a\n", "b\n1 lost\n", "c\n2 lost\n"]);
}

#[test]
fn a_writer_that_panics_loses_its_lines_alone() {
    struct Panics(bool);
    impl Write for Panics {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(core::mem::replace(&mut self.0, true), "a writer's mistake");
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let queue = queue(Panics(false));
    for line in ["a", "b"] {
        assert!(queue.push(line) && queue.flush(LONG));
    }
    assert_eq!(queue.stats(), stats(1, 0, 1));
    assert_eq!(queue.failure().as_deref(), Some("the writer panicked"));
    assert!(!queue.is_failing(), "the line after it was written");
}

#[test]
fn what_a_writer_logs_itself_is_dropped() {
    struct Chatty(Arc<Mutex<Option<Queue>>>);
    impl Write for Chatty {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(!lock(&self.0).as_ref().unwrap().push("written"));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for has_thread in [true, false] {
        let itself = Arc::<Mutex<Option<Queue>>>::default();
        let shared = Shared::new(Chatty(Arc::clone(&itself)), 2, lost);
        let queue = Queue::on(shared, |shared| has_thread && shared.start_thread());
        *lock(&itself) = Some(queue.clone());
        assert!(queue.push("a") && queue.flush(LONG));
        assert_eq!(queue.stats(), stats(1, 1, 0));
        *lock(&itself) = None;
    }
}

#[test]
fn without_threads_whoever_pushes_writes() {
    let (writer, written, answer) = scripted();
    let queue = Queue::on(Shared::new(writer, 2, lost), |_| false);
    answer.send(Ok(())).unwrap();
    assert!(queue.push("a"));
    assert_eq!(written.try_recv().unwrap(), "a\n");
    assert!(queue.flush(Duration::ZERO));
    assert_eq!(queue.stats(), stats(1, 0, 0));
}

#[test]
fn what_waits_is_written_when_the_last_handle_is_dropped_and_the_writer_ends() {
    let (writer, written, answer) = scripted();
    let queue = queue(writer);
    let other = queue.clone();
    assert!(queue.push("a"));
    assert_eq!(written.recv().unwrap(), "a\n");
    assert!(other.push("b"));
    drop((queue, other));
    answer.send(Ok(())).unwrap();
    answer.send(Ok(())).unwrap();
    assert_eq!(written.recv().unwrap(), "b\n");
    assert!(written.recv().is_err()); // the thread dropped its writer
}
