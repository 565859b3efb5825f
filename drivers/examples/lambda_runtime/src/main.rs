//! An application under `lambda_http`, for functions whose responses are not streamed: [`AppService`] is a
//! tower service. Layers of the tower ecosystem go around it; everything else that a function may
//! be invoked with is for [`apptheory::lambda`].
//!
//! ```text
//! cargo lambda watch -p lambda_runtime_function
//! ```

use apptheory::app::{App, Context};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let app = App::new()
        .get("/", async || "hello")
        .get("/orders/{id}", async |context: Context| {
            apptheory::app::Json(json!({"id": context.param("id")}))
        })
        .build()?;
    lambda_http::run(app).await
}
