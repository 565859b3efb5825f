//! The yardstick of the benchmark of cold starts: the plain routes of `lambda_function` on `lambda_http` and
//! axum, with a client of DynamoDB from the AWS SDK, as such functions are usually written.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{AppendHeaders, Html, IntoResponse};
use axum::routing::get;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    tracing_subscriber::fmt().with_ansi(false).without_time().init();
    let table = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .build();
    let app = Router::new()
        .route("/", get(async || axum::Json(json!({"message": "hello"}))))
        .route("/page", get(async || Html("<!doctype html><h1>Orders</h1><p>tea</p>")))
        .route("/login", get(login))
        .route("/moved", get(async || (StatusCode::FOUND, [(LOCATION, "/page")])))
        .route("/tables", get(tables))
        .with_state(Client::from_conf(table));
    lambda_http::run(app).await
}

async fn login() -> impl IntoResponse {
    let session = "session=s1; Path=/; Secure; HttpOnly; SameSite=Lax";
    (AppendHeaders([(SET_COOKIE, session), (SET_COOKIE, "theme=dark; Path=/")]), "welcome")
}

async fn tables(State(client): State<Client>) -> Result<String, StatusCode> {
    let listed = client.list_tables().send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(listed.table_names().join(" "))
}
