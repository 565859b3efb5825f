//! Reading the body of a reply: how large it may be, and how long it may stall.

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::clock::{Clock, before};

/// How long a reply may make no progress. Services of AWS send a small reply at once, and a large
/// one without pauses.
const STALL_TIME: Duration = Duration::from_secs(5);

/// The largest reply: that of a batch or transaction of 16 MB, whose JSON escapes may be longer.
const MAX_REPLY_BYTES: usize = 64 << 20;

/// Why a body is not complete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Incomplete {
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("nothing more came within {STALL_TIME:?}")]
    Stalled,
    #[error("it has more than {MAX_REPLY_BYTES} bytes")]
    TooLarge,
}

/// Reads a body to its end.
pub(super) async fn read(
    mut body: impl Body<Data = Bytes, Error = hyper::Error> + Unpin,
    clock: &impl Clock,
) -> Result<Bytes, Incomplete> {
    let mut bytes = BytesMut::new();
    loop {
        let next = before(clock.sleep(STALL_TIME), body.frame());
        let Some(frame) = next.await.ok_or(Incomplete::Stalled)? else {
            return Ok(bytes.freeze());
        };
        // Trailers are no part of it.
        let Ok(data) = frame?.into_data() else { continue };
        if data.len() > MAX_REPLY_BYTES - bytes.len() {
            return Err(Incomplete::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::time::Timestamp;
    use futures_util::FutureExt as _;
    use futures_util::stream::{self, Stream, StreamExt as _};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::clock::VirtualClock;

    /// Returns chunks that come after so many seconds each.
    fn chunks<'c>(
        clock: &'c VirtualClock,
        chunks: &'c [(u64, Bytes)],
    ) -> impl Stream<Item = Result<Frame<Bytes>, hyper::Error>> + 'c {
        stream::iter(chunks).then(async |(after, chunk)| {
            clock.sleep(Duration::from_secs(*after)).await;
            Ok(Frame::data(chunk.clone()))
        })
    }

    #[test]
    fn a_slow_body_is_read_to_its_end_and_one_that_stalls_is_not_waited_for() {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let (first, second) = (Bytes::from_static(b"sl"), Bytes::from_static(b"ow"));
        let slow = [(4, first), (4, second)];
        let body = StreamBody::new(chunks(&clock, &slow).boxed_local());
        assert_eq!(clock.run(read(body, &clock)).unwrap(), "slow");
        assert_eq!(clock.now().unix_seconds(), 8);

        let stalling = chunks(&clock, &slow).chain(stream::pending());
        let body = StreamBody::new(stalling.boxed_local());
        let stalled = clock.run(read(body, &clock)).unwrap_err();
        assert!(matches!(stalled, Incomplete::Stalled), "{stalled}");
        assert_eq!(clock.now().unix_seconds(), 8 + 8 + 5);
    }

    #[test]
    fn a_body_may_be_so_large_and_no_larger() {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let mut large = vec![(0, Bytes::from(vec![0; 32 << 20])); 2];
        let body = StreamBody::new(chunks(&clock, &large).boxed_local());
        assert_eq!(read(body, &clock).now_or_never().unwrap().unwrap().len(), 64 << 20);
        large.push((0, Bytes::from_static(b"x")));
        let body = StreamBody::new(chunks(&clock, &large).boxed_local());
        let refused = read(body, &clock).now_or_never().unwrap().unwrap_err();
        assert!(matches!(refused, Incomplete::TooLarge), "{refused}");
    }
}
