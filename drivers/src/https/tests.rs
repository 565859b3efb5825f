#[path = "../../tests/support/tls.rs"]
mod tls;

use std::fs;

use aws_smithy_types::body::SdkBody;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::trust::{AMAZON_ROOTS, Roots, Trust};
use super::*;
use crate::causes::WithCauses;
use tls::file;

/// Reads the trust settings from an environment with one variable.
fn read(variable: &str, value: &str) -> Trust {
    Trust::read(&|name| (name == variable).then(|| value.to_owned()))
}

fn connector(trust: Trust) -> HttpsConnector {
    HttpsConnector::trusting(Arc::new(trust))
}

/// Serves an empty response to every request over TLS, and returns its URL.
async fn serve() -> String {
    let acceptor = tls::acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the server hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1024];
            if stream.read(&mut head).await.is_ok_and(|len| len > 0) {
                stream.write_all(b"HTTP/1.1 204 None\r\n\r\n").await.unwrap();
            }
        }
    });
    url
}

fn request(url: &str) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).unwrap();
    request
}

/// Returns the response's status, or the error.
async fn answer(sent: HttpConnectorFuture) -> Result<u16, String> {
    let answer = sent.await.map_err(|error| WithCauses(&error).to_string())?;
    Ok(answer.status().as_u16())
}

#[test]
fn the_roots_of_amazon_are_those_that_it_publishes() {
    // https://www.amazontrust.com/repository/
    let published = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];
    let roots = CertificateDer::pem_slice_iter(AMAZON_ROOTS.as_bytes());
    let fingerprints = roots.map(|root| {
        let digest = Sha256::digest(root.unwrap());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(fingerprints.collect::<Vec<_>>(), published);
    // The connector panics on a malformed certificate.
    let _ = connector(Trust::ByEndpoint).connector(Roots::Amazon);
}

#[test]
fn amazon_vouches_for_its_own_endpoints_alone() {
    let nothing_is_said = Trust::read(&|_| None);
    for (url, roots) in [
        ("https://dynamodb.eu-central-1.amazonaws.com/", Roots::Amazon),
        ("https://dynamodb-fips.us-gov-west-1.amazonaws.com", Roots::Amazon),
        ("https://123456789012.ddb.us-east-1.amazonaws.com:443/", Roots::Amazon),
        ("https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com/", Roots::Amazon),
        ("https://dynamodb.us-east-1.api.aws/", Roots::Amazon),
        ("http://127.0.0.1:8000/", Roots::Amazon),
        ("https://127.0.0.1:8000/", Roots::System),
        ("https://dynamodb.cn-north-1.amazonaws.com.cn/", Roots::System),
        ("https://dynamodb.us-iso-east-1.c2s.ic.gov/", Roots::System),
        ("https://dynamodb.eusc-de-east-1.amazonaws.eu/", Roots::System),
        ("https://localhost.localstack.cloud:4566/", Roots::System),
        ("https://chat.example.com/dev", Roots::System),
        ("https://amazonaws.com.example.com/", Roots::System),
        ("https://notamazonaws.com/", Roots::System),
        ("https://example.com/.amazonaws.com", Roots::System),
        ("https://user@example.com:443?.amazonaws.com", Roots::System),
    ] {
        assert_eq!(nothing_is_said.roots_for(url), Ok(roots), "{url}");
    }
}

#[test]
fn environment_variables_select_the_trusted_roots() {
    let (aws, other) = ("https://sns.eu-west-1.amazonaws.com/", "https://example.com/");
    let path = file("root.pem");
    let pem = fs::read(&path).unwrap();
    let bundle = Ok(Roots::Bundle(&pem));
    let system = Ok(Roots::System);
    for (trust, expected) in [
        (read("AWS_CA_BUNDLE", path.to_str().unwrap()), bundle.clone()),
        (Trust::read(&|_| Some(path.to_str().unwrap().to_owned())), bundle),
        (read("SSL_CERT_FILE", "/roots.pem"), system.clone()),
        (read("SSL_CERT_DIR", "/roots"), system.clone()),
        (read("HTTPS_PROXY", "http://proxy:3128"), system.clone()),
        (read("https_proxy", "http://proxy:3128"), system.clone()),
        (read("HTTP_PROXY", "https://proxy:3129"), system.clone()),
        (read("all_proxy", "http://proxy:3128"), system),
    ] {
        assert_eq!(trust.roots_for(aws), expected, "{trust:?}");
        assert_eq!(trust.roots_for(other), expected, "{trust:?}");
    }
    let blank = read("AWS_CA_BUNDLE", " ");
    assert_eq!(blank.roots_for(aws), Ok(Roots::Amazon));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_an_error_of_every_request() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::read_to_string(file("root.pem")).unwrap();
    let missing = directory.path().join("missing.pem");
    let written = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let no_root = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, why) in [
        (missing, ", which cannot be read (No such file"),
        (written("empty.pem", "none"), ", which holds no certificate: "),
        (written("cut.pem", &root[..200]), ", whose certificate 1 cannot be read ("),
        (written("odd.pem", &format!("{root}{no_root}")), ", whose certificate 2 cannot be read ("),
    ] {
        let path = path.to_str().unwrap();
        let trust = read("AWS_CA_BUNDLE", path);
        let error = trust.roots_for("http://127.0.0.1/").unwrap_err().to_string();
        assert!(error.starts_with(&format!("AWS_CA_BUNDLE is `{path}`{why}")), "{error}");
        let sent = connector(trust).call(request("https://sns.eu-west-1.amazonaws.com/"));
        let told = answer(sent).await.unwrap_err();
        assert!(told.contains(&error), "{told}");
    }
}

#[tokio::test]
async fn a_private_root_is_trusted_where_the_switch_names_it() {
    let url = serve().await;
    let trust = read("AWS_CA_BUNDLE", file("root.pem").to_str().unwrap());
    assert_eq!(answer(connector(trust).call(request(&url))).await, Ok(204));
}

#[tokio::test]
async fn a_server_that_no_root_knows_is_refused_with_the_name_of_the_switch() {
    let url = serve().await;
    let directory = tempfile::tempdir().unwrap();
    let amazons = directory.path().join("roots.pem");
    fs::write(&amazons, AMAZON_ROOTS).unwrap();
    let bundle = read("AWS_CA_BUNDLE", amazons.to_str().unwrap());
    let bundle = connector(bundle);
    let by_bundle = bundle.call(request(&url));
    let others = connector(Trust::ByEndpoint);
    // As if the server were an AWS endpoint.
    let by_amazon = others.call_checking(Roots::Amazon, request(&url));
    for (sent, roots) in [
        (by_bundle, "the root certificates of AWS_CA_BUNDLE"),
        (by_amazon, "Amazon's root certificates"),
    ] {
        let told = answer(sent).await.unwrap_err();
        let expected = format!("the certificate of localhost does not come from {roots}: ");
        assert!(told.contains(&expected) && told.contains("name a file with it in"), "{told}");
        assert!(told.contains("UnknownIssuer"), "{told}");
    }
}

#[tokio::test]
async fn other_failures_stay_what_they_are() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = connector(Trust::ByEndpoint).call_checking(Roots::Amazon, request(&url)).await;
    assert!(error.unwrap_err().is_io());
}

#[test]
fn the_systems_certificates_are_not_read_for_endpoints_of_aws() {
    let connector = connector(Trust::ByEndpoint);
    drop(connector.call(request("https://sns.eu-west-1.amazonaws.com/")));
    assert!(connector.amazon.get().is_some() && connector.others.get().is_none());
}
