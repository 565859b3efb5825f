//! A use of each feature.

use apptheory::prelude::*;

use super::Failure;

/// Returns the store of the limit.
#[cfg(feature = "aws")]
pub(super) async fn store() -> Result<Store, Failure> {
    Ok(Store::aws().await)
}

#[cfg(all(feature = "aws-lean", not(feature = "aws")))]
pub(super) async fn store() -> Result<Store, Failure> {
    Ok(Store::aws_lean().await)
}

#[cfg(all(feature = "embedded", not(any(feature = "aws", feature = "aws-lean"))))]
pub(super) async fn store() -> Result<Store, Failure> {
    Ok(Store::embedded("counters.db")?)
}

#[cfg(not(any(feature = "aws", feature = "aws-lean", feature = "embedded")))]
pub(super) async fn store() -> Result<Store, Failure> {
    Ok(Store::memory())
}

/// Adds to an application what needs a feature.
pub(super) async fn features(app: App) -> Result<App, Failure> {
    #[cfg(feature = "logs")]
    apptheory::logs::init();

    #[cfg(feature = "cloudformation")]
    let app = {
        use apptheory::events::{CustomResource, Done};

        app.cloudformation(async |_: CustomResource<String>| Done::new("topic"))
    };

    #[cfg(feature = "kinesis")]
    {
        use apptheory::kinesis::{AwsStreams, Producer, StreamName, json_record};

        let producer = Producer::new(StreamName::new("orders")?, AwsStreams::from_env().await);
        producer.send([json_record("tenant-7", &json!({"id": "o1"}), None)?]).await?;
    }

    #[cfg(feature = "multipart")]
    let app = app.post("/uploads", async |parts: Multipart| parts.0.len().to_string());

    #[cfg(feature = "sns")]
    {
        use apptheory::logs::{LoggerConfig, LoggerFactory, SnsNotifier, set_logger};

        let mut factory = LoggerFactory::new();
        if let Some(notifier) = SnsNotifier::from_env().await {
            factory = factory.with_notifier(notifier);
        }
        set_logger(Some(factory.console(&LoggerConfig::default())?));
    }

    #[cfg(feature = "tower")]
    let app = {
        type Answered = Result<http::Response<String>, core::convert::Infallible>;

        let about = async |_| -> Answered { Ok(http::Response::new("about".into())) };
        app.mount("/about", tower::service_fn(about))
    };

    #[cfg(feature = "validation")]
    let app = {
        #[derive(serde::Deserialize, garde::Validate)]
        struct Order {
            #[garde(length(chars, min = 1, max = 40))]
            item: String,
        }

        app.post("/orders", async |Valid(Json(order)): Valid<Json<Order>>| order.item)
    };

    #[cfg(feature = "websocket")]
    let app = app.websocket("$default", async |socket: WebSocket| socket.send(b"hello").await);

    #[cfg(feature = "yaml")]
    apptheory::sanitize::policy_from_env("SANITIZATION_POLICY")?;

    Ok(app)
}
