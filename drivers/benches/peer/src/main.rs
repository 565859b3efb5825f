//! The peer for cold starts and decisions: what `function` does, written for `lambda_http`, axum
//! and the AWS SDK as such functions usually are. Each request is counted by one conditional
//! update, and the response has the limit's headers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use serde::{Deserialize, Serialize};

const LIMIT: i64 = 1_000_000;
const WINDOW: u64 = 60;

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    amount: u32,
    gift: bool,
}

struct Limiter {
    client: Client,
    table: String,
}

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    tracing_subscriber::fmt().with_ansi(false).without_time().init();
    let client = Client::new(&aws_config::load_from_env().await);
    let table = std::env::var("APPTHEORY_RATE_LIMIT_TABLE_NAME")?;
    let limiter = Arc::new(Limiter { client, table });
    let create = async |Path(_): Path<u32>, Json(order): Json<Order>| Json(order);
    let app = Router::new()
        .route("/users/{id}/orders", post(create))
        .layer(from_fn_with_state(limiter, limit));
    lambda_http::run(app).await
}

async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let caller = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        _ => None,
    };
    let Some(caller) = caller else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let start = now / WINDOW * WINDOW;
    let Some(counted) = limiter.count(&caller, now, start).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let mut response = if counted <= LIMIT {
        next.run(request).await
    } else {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    };
    write(response.headers_mut(), counted, start + WINDOW);
    response
}

fn write(headers: &mut HeaderMap, counted: i64, resets_at: u64) {
    let remaining = (LIMIT - counted).max(0);
    headers.insert("x-ratelimit-limit", LIMIT.into());
    headers.insert("x-ratelimit-remaining", remaining.into());
    headers.insert("x-ratelimit-reset", resets_at.into());
}

impl Limiter {
    /// Counts a request, and returns the number in its window; `None` if the table does not
    /// respond.
    async fn count(&self, caller: &str, now: u64, start: u64) -> Option<i64> {
        let text = |text: String| AttributeValue::S(text);
        let number = |number: u64| AttributeValue::N(number.to_string());
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("PK", text(format!("ip:{caller}#{start}")))
            .key("SK", text("/users/{id}/orders#POST".into()))
            .update_expression(
                "SET #i = if_not_exists(#i, :i), #r = if_not_exists(#r, :r), #o = if_not_exists(#o, :o), \
                 #s = if_not_exists(#s, :s), #t = if_not_exists(#t, :t), #w = if_not_exists(#w, :w), \
                 #l = if_not_exists(#l, :l), #a = if_not_exists(#a, :n), #u = :n ADD #c :one",
            )
            .condition_expression("attribute_not_exists(#c) OR #c <= :room")
            .set_expression_attribute_names(Some(names()))
            .expression_attribute_values(":i", text(format!("ip:{caller}")))
            .expression_attribute_values(":r", text("/users/{id}/orders".into()))
            .expression_attribute_values(":o", text("POST".into()))
            .expression_attribute_values(":s", number(start))
            .expression_attribute_values(":t", text("60s".into()))
            .expression_attribute_values(":w", text(start.to_string()))
            .expression_attribute_values(":l", number(start + 2 * WINDOW))
            .expression_attribute_values(":n", text(now.to_string()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":room", AttributeValue::N((LIMIT - 1).to_string()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(updated) => count_of(updated.attributes()?),
            Err(error) => match error.into_service_error() {
                UpdateItemError::ConditionalCheckFailedException(refused) => {
                    count_of(refused.item()?).map(|count| count + 1)
                }
                _ => None,
            },
        }
    }
}

fn names() -> HashMap<String, String> {
    let names = [
        ("#i", "Identifier"),
        ("#r", "Resource"),
        ("#o", "Operation"),
        ("#s", "WindowStart"),
        ("#t", "WindowType"),
        ("#w", "WindowID"),
        ("#l", "TTL"),
        ("#a", "CreatedAt"),
        ("#u", "UpdatedAt"),
        ("#c", "Count"),
    ];
    names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned())).into()
}

fn count_of(item: &HashMap<String, AttributeValue>) -> Option<i64> {
    item.get("Count")?.as_n().ok()?.parse().ok()
}
