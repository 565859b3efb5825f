// `apptheory::Path<u32>` cannot be an argument of a handler of this kind of event
use apptheory::prelude::*;

async fn ship(Path(id): Path<u32>) {
    let _ = id;
}

pub fn app() -> App {
    App::new().sqs("orders", ship)
}
