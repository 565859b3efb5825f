//! An application under `lambda_runtime`, AWS's own runtime, for functions in which something else
//! needs that runtime.
//!
//! ```text
//! cargo lambda watch -p lambda_runtime_function
//! ```

use apptheory::prelude::*;
use lambda_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let app = App::new()
        .get("/", async || "hello")
        .get("/orders/{id}", async |Path(id): Path<u32>| Json(json!({"id": id})));
    lambda_runtime::run(apptheory::lambda::service(app)?).await
}
