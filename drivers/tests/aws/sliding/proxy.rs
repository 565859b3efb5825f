//! A slow network with losses, on loopback.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use apptheory::clock::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::loopback;

/// Forwards HTTP requests to `server` and its replies back, each after up to `most`, and closes the
/// connection on one of `one_lost_in`, in either direction. Returns the address.
pub(super) async fn slow(
    server: SocketAddr,
    seed: u64,
    most: Duration,
    one_lost_in: u64,
) -> String {
    let (listener, url) = loopback().await;
    tokio::spawn(async move {
        let mut seed = Random(seed);
        while let Ok((client, _)) = listener.accept().await {
            let way = Way { random: Random(seed.next()), most, one_lost_in };
            tokio::spawn(async move { drop(way.pass(client, server).await) });
        }
    });
    url
}

/// One connection.
struct Way {
    random: Random,
    most: Duration,
    one_lost_in: u64,
}

impl Way {
    async fn pass(mut self, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let mut client = BufReader::new(client);
        let mut server = BufReader::new(TcpStream::connect(server).await?);
        loop {
            // A message that was read is delivered, even if its sender has given up.
            let request = read_message(&mut client).await?;
            self.delay().await?;
            server.get_mut().write_all(&request).await?;
            let reply = read_message(&mut server).await?;
            self.delay().await?;
            client.get_mut().write_all(&reply).await?;
        }
    }

    /// # Errors
    ///
    /// If the message is lost.
    async fn delay(&mut self) -> io::Result<()> {
        SystemClock.sleep(self.most * self.random.below(1_001) / 1_000).await;
        match self.random.below(u32::try_from(self.one_lost_in).unwrap()) {
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

/// Reads one HTTP/1.1 message: its head and as much body as the head says.
async fn read_message(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let (mut message, mut body) = (Vec::new(), 0);
    loop {
        let start = message.len();
        if stream.read_until(b'\n', &mut message).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&message[start..]).to_ascii_lowercase();
        assert!(!line.starts_with("transfer-encoding"), "neither side sends chunks");
        if let Some(length) = line.strip_prefix("content-length:") {
            body = length.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let head = message.len();
    message.resize(head + body, 0);
    stream.read_exact(&mut message[head..]).await?;
    Ok(message)
}

/// SplitMix64: the same numbers for the same seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap()
    }
}
