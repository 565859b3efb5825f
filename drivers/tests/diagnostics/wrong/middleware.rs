// expected function that takes 2 arguments
use apptheory::prelude::*;

async fn around(context: Context) -> Answer {
    Err(AppError::conflict(context.path()))
}

pub fn app() -> App {
    App::new().layer(around)
}
