// `(apptheory::prelude::StatusCode, apptheory::Json<u32>)` cannot be the answer of a handler of
// this kind of event
use apptheory::prelude::*;

async fn ship() -> (StatusCode, Json<u32>) {
    (StatusCode::CREATED, Json(1))
}

pub fn app() -> App {
    App::new().sqs("orders", ship)
}
