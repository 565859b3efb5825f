//! Missing or invalid configuration, detected without a network.

use core::time::Duration;
use std::process::Command;
use std::sync::Arc;

use apptheory::websocket::{
    AwsWebSocketClients, WebSocketClientFactory as _, WebSocketManagementClient as _,
};
use apptheory_core::gateway::{ErrorKind, RegionSource};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use crate::block_on;
use crate::gateway::sdk_config;

const ENDPOINT: &str = "wss://a1.execute-api.eu-west-1.amazonaws.com/dev/";

/// An empty configuration.
fn empty() -> SdkConfig {
    SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build()
}

fn error(clients: &AwsWebSocketClients, endpoint: &str) -> (ErrorKind, String) {
    let error = block_on(clients.connect(endpoint)).unwrap_err();
    (error.kind().clone(), error.to_string())
}

#[test]
fn endpoint_and_region_are_needed() {
    let clients = AwsWebSocketClients::new().with_sdk_config(empty());
    for (endpoint, expected, text) in [
        (" ", ErrorKind::MissingEndpoint, "apptheory: websocket management endpoint is empty"),
        ("wss://", ErrorKind::MissingEndpoint, "apptheory: websocket management endpoint is empty"),
        (
            "ftp://x",
            ErrorKind::InvalidEndpoint,
            "apptheory: websocket management endpoint is invalid",
        ),
        ("ws.example.com", ErrorKind::MissingRegion, "apptheory: aws region is empty"),
    ] {
        assert_eq!(error(&clients, endpoint), (expected, text.to_owned()), "{endpoint}");
    }
    let invalid = AwsWebSocketClients::new().with_sdk_config(empty()).with_region("EU WEST");
    assert_eq!(error(&invalid, ENDPOINT).0, ErrorKind::InvalidRegion);
    let refused = block_on(clients.client("ws.example.com")).unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::MissingRegion);
}

#[test]
fn the_first_source_that_is_set_decides_the_region() {
    let region = |clients: AwsWebSocketClients| {
        let client = block_on(clients.connect(ENDPOINT)).unwrap();
        (client.region().name.clone(), client.region().source)
    };
    let env = |name: &str| match name {
        "AWS_REGION" => Some(" ".to_owned()),
        "AWS_DEFAULT_REGION" => Some("eu-north-1".to_owned()),
        _ => None,
    };
    let keys = || Credentials::new("id", "secret", None, None, "test");
    let of_env = || AwsWebSocketClients::new().with_env(env).with_credentials(keys());
    assert_eq!(region(of_env()), ("eu-north-1".into(), RegionSource::Env));
    let preferring = of_env().preferring_endpoint_region();
    assert_eq!(region(preferring), ("eu-west-1".into(), RegionSource::Endpoint));
    let explicit = of_env().preferring_endpoint_region().with_region(" eu-south-1 ");
    assert_eq!(region(explicit), ("eu-south-1".into(), RegionSource::Explicit));
    let shared = of_env().with_sdk_config(sdk_config());
    assert_eq!(region(shared), ("eu-central-1".into(), RegionSource::Profile));
    let silent = of_env().with_sdk_config(empty());
    assert_eq!(region(silent), ("eu-west-1".into(), RegionSource::Endpoint));
    // A region that the SDK would refuse is skipped.
    let blank = empty().into_builder().region(Region::new("")).build();
    let blank = of_env().with_sdk_config(blank);
    assert_eq!(region(blank), ("eu-west-1".into(), RegionSource::Endpoint));
}

#[test]
fn clients_are_kept_by_endpoint_and_region() {
    let clients = AwsWebSocketClients::new().with_sdk_config(sdk_config());
    block_on(async {
        assert!(clients.connect("").await.is_err());
        let first = clients.connect(ENDPOINT).await.unwrap();
        let same = "https://A1.execute-api.eu-west-1.amazonaws.com:443/dev/@connections/x";
        assert!(Arc::ptr_eq(&first, &clients.connect(same).await.unwrap()));
        let other = clients.connect("https://a2.execute-api.eu-west-1.amazonaws.com/dev").await;
        assert!(!Arc::ptr_eq(&first, &other.unwrap()));
    });
    let fixed = AwsWebSocketClients::new()
        .with_sdk_config(sdk_config())
        .with_endpoint("http://127.0.0.1:9/local");
    let client = block_on(fixed.connect(ENDPOINT)).unwrap();
    assert_eq!(client.request_base().as_str(), "http://127.0.0.1:9/local");
}

fn assert_no_credentials(clients: AwsWebSocketClients) {
    // No server listens there: a request would be a transport error.
    let clients = clients.with_endpoint("http://127.0.0.1:9").with_region("eu-west-1");
    let error = block_on(async {
        clients.connect("").await.unwrap().post_to_connection("c", b"x").await.unwrap_err()
    });
    assert_eq!(error.kind(), &ErrorKind::MissingCredentials, "{error:?}");
    assert_eq!(
        error.to_string(),
        "apptheory: missing aws credentials for websocket management client"
    );
}

#[test]
fn credentials_are_needed() {
    for (id, secret) in [("", "secret"), ("id", " "), ("", "")] {
        let blank = Credentials::new(id, secret, None, None, "test");
        assert_no_credentials(AwsWebSocketClients::new().with_credentials(blank));
    }
    assert_no_credentials(AwsWebSocketClients::new().with_sdk_config(empty()));
    for why in [
        NoCredentials(|| CredentialsError::invalid_configuration("no such profile")),
        NoCredentials(|| CredentialsError::provider_error("the sign-in has expired")),
        NoCredentials(|| CredentialsError::provider_timed_out(Duration::from_secs(1))),
        NoCredentials(|| CredentialsError::unhandled("?")),
    ] {
        assert_no_credentials(AwsWebSocketClients::new().with_credentials(why));
    }
}

/// A credentials provider that fails.
#[derive(Debug)]
struct NoCredentials(fn() -> CredentialsError);

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> ProvideFuture<'a>
    where
        Self: 'a,
    {
        ProvideFuture::ready(Err(self.0()))
    }
}

/// The chain reads the process's environment, so it runs in an empty one.
#[test]
fn the_chain_ends_without_asking_an_instance() {
    let home = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "config::without_credentials_in_the_environment"])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
#[ignore = "run by the test above, in an environment of its own"]
fn without_credentials_in_the_environment() {
    assert_no_credentials(AwsWebSocketClients::new().without_instance_metadata());
    let nowhere = AwsWebSocketClients::new();
    assert_eq!(error(&nowhere, "ws.example.com").0, ErrorKind::MissingRegion);
}

#[test]
fn keys_are_not_printed() {
    let keys = || Credentials::new("id", "hush-hush", Some("hush-token".into()), None, "test");
    let printed = |clients: AwsWebSocketClients| {
        let client = block_on(clients.connect(ENDPOINT)).unwrap();
        format!("{clients:?} {client:?} {client:#?}")
    };
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(keys()))
        .build();
    for clients in [
        AwsWebSocketClients::new().with_sdk_config(config),
        AwsWebSocketClients::new().with_sdk_config(empty()).with_credentials(keys()),
    ] {
        let printed = printed(clients);
        assert!(!printed.contains("hush"), "{printed}");
    }
}
