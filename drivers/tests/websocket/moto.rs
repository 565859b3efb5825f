//! The clients against another implementation of the service. That one has no stages and its own
//! format of connections, so only sending and closing are tested.

use crate::block_on;
use crate::gateway::CLIENTS;

#[test]
#[ignore = "needs a moto server: its URL is taken from APPTHEORY_MOTO_URL"]
#[expect(clippy::disallowed_methods, reason = "whoever starts the server says where it is")]
fn messages_are_sent_and_connections_closed() {
    let url = std::env::var("APPTHEORY_MOTO_URL").unwrap();
    block_on(async {
        for client in CLIENTS {
            let client = client.of(&url).await;
            client.post_to_connection("L0SM9cOFvHcCIhw=", b"hello").await.unwrap();
            client.post_to_connection("L0SM9cOFvHcCIhw=", b"").await.unwrap();
            client.delete_connection("L0SM9cOFvHcCIhw=").await.unwrap();
        }
    });
}
