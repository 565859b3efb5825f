//! Validation rules for requests and messages.
//!
//! ```text
//! cargo run --example validation --features validation
//! curl -i localhost:3000/bookings -H 'content-type: application/json' \
//!     -d '{"guestName": "", "rooms": [{"nights": 31, "beds": 4}]}'
//! curl -i 'localhost:3000/bookings?page-size=500'
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;
use apptheory::validation::{ValueRule, Violations};
use garde::Validate;
use serde::Deserialize;

#[derive(Clone)]
pub(crate) struct Hotel {
    most_beds: u8,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Booking {
    #[garde(length(chars, min = 1, max = 40))]
    guest_name: String,
    #[garde(email)]
    email: Option<String>,
    #[garde(length(min = 1, max = 5), dive)]
    rooms: Vec<Room>,
}

#[derive(Deserialize, Validate)]
struct Room {
    #[garde(range(min = 1, max = 30))]
    nights: u8,
    #[garde(custom(is_even))]
    beds: u8,
}

/// A rule of this application. Clients see its text.
fn is_even(beds: &u8, (): &()) -> garde::Result {
    if beds.is_multiple_of(2) { Ok(()) } else { Err(garde::Error::new("beds come in pairs")) }
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "kebab-case")]
struct Page {
    #[garde(range(min = 1, max = 100))]
    page_size: Option<u8>,
}

/// Takes validated values, from requests and messages alike, and checks what types cannot.
async fn book(
    State(hotel): State<Hotel>,
    Valid(Json(booking)): Valid<Json<Booking>>,
) -> Result<(), AppError> {
    let mut violations = Violations::new();
    for (at, room) in booking.rooms.iter().enumerate() {
        if room.beds > hotel.most_beds {
            violations.add(format!("rooms[{at}].beds"), ValueRule::max(hotel.most_beds));
        }
    }
    violations.into_result()
}

async fn list(Valid(Query(page)): Valid<Query<Page>>) -> String {
    format!("at most {} bookings", page.page_size.unwrap_or(10))
}

pub(crate) fn app(_: &Store) -> App<Hotel> {
    App::with_state(Hotel { most_beds: 4 })
        .post("/bookings", book)
        .get("/bookings", list)
        .sqs("bookings", book)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
