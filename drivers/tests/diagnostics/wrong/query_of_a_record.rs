// a handler of `Queue` events has no request to read, and no status or text to answer
use apptheory::prelude::*;

async fn ship(Query(page): Query<u32>) {
    let _ = page;
}

pub fn app() -> App {
    App::new().sqs("orders", ship)
}
