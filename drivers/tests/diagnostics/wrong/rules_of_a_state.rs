// has no rules that `Valid` could check
use apptheory::prelude::*;

async fn show(Valid(State(limit)): Valid<State<u32>>) -> String {
    limit.to_string()
}

pub fn app() -> App<u32> {
    App::with_state(7).get("/", show)
}
