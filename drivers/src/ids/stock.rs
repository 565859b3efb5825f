//! A stock of ids for each thread: one call of the operating system draws many.

use std::cell::RefCell;

use uuid::{Builder, Uuid};

/// Random bytes of the operating system's generator, for ids that are still to be drawn.
struct Stock {
    bytes: [u8; 64 * ID_BYTES],
    left: usize,
}

const ID_BYTES: usize = 16;

thread_local! {
    static STOCK: RefCell<Stock> =
        const { RefCell::new(Stock { bytes: [0; 64 * ID_BYTES], left: 0 }) };
}

/// Draws a UUID of version 4.
pub(super) fn draw() -> Uuid {
    STOCK.with_borrow_mut(Stock::draw)
}

impl Stock {
    fn draw(&mut self) -> Uuid {
        if self.left == 0 && getrandom::fill(&mut self.bytes).is_ok() {
            self.left = self.bytes.len();
        }
        let next = self.bytes.get(..self.left).and_then(<[u8]>::split_last_chunk::<ID_BYTES>);
        let Some((rest, drawn)) = next else { return Uuid::new_v4() };
        self.left = rest.len();
        Builder::from_random_bytes(*drawn).into_uuid()
    }
}
