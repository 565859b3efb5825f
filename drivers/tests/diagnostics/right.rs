//! A correct program: it compiles, which shows that only their mistakes keep the others from
//! compiling.

use apptheory::prelude::*;

#[derive(Clone, FromRef)]
pub struct Shop {
    name: String,
}

async fn show(State(name): State<String>, Path(id): Path<u32>) -> String {
    format!("{name} {id}")
}

async fn ship(Json(order): Json<String>) -> Result<(), AppError> {
    Err(AppError::conflict(order))
}

async fn around(context: Context, next: Next) -> Answer {
    Ok(next.run(context).await)
}

async fn list(Valid(Query(())): Valid<Query<()>>) -> &'static str {
    "all of them"
}

pub fn app(shop: Shop) -> App<Shop> {
    App::with_state(shop)
        .get("/", list)
        .get("/{id}", show.layer(around))
        .sqs("orders", ship)
}
