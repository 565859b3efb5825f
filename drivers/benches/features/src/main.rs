//! A function with one route and one limit. Each feature that is on is used as its documentation
//! shows, so that the file contains what it brings. Without one that runs applications, one request
//! is answered in this process.

mod used;

use apptheory::prelude::*;

type Failure = Box<dyn core::error::Error + Send + Sync>;

#[cfg(feature = "start")]
fn main() -> std::process::ExitCode {
    apptheory::start(app)
}

#[cfg(not(feature = "start"))]
fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { run(app().await?).await })
}

async fn app() -> Result<App, Failure> {
    let limit = RateLimit::fixed(100, Duration::from_secs(60)).fail_closed();
    let app = App::new().get("/", async || "hello").layer(limit.on(&used::store().await?));
    used::features(app).await
}

#[cfg(all(feature = "lambda_runtime", not(feature = "start")))]
async fn run(app: App) -> Result<(), Failure> {
    lambda_runtime::run(apptheory::lambda::service(app)?).await
}

#[cfg(all(feature = "lambda", not(any(feature = "lambda_runtime", feature = "start"))))]
async fn run(app: App) -> Result<(), Failure> {
    Ok(apptheory::lambda::run(app.build()?).await?)
}

#[cfg(all(
    feature = "local",
    not(any(feature = "lambda", feature = "lambda_runtime", feature = "start"))
))]
async fn run(app: App) -> Result<(), Failure> {
    let server = apptheory::local::Server::bind(app.build()?, 0).await?;
    println!("listening on http://{}", server.address());
    server.serve(apptheory::local::stop_signal()?).await;
    Ok(())
}

#[cfg(not(any(
    feature = "lambda",
    feature = "lambda_runtime",
    feature = "local",
    feature = "start"
)))]
async fn run(app: App) -> Result<(), Failure> {
    let event = r#"{"version":"2.0","rawPath":"/","requestContext":{
        "domainName":"a1.lambda-url.eu-west-1.on.aws",
        "http":{"method":"GET","path":"/","sourceIp":"192.0.2.1"}}}"#;
    println!("{}", app.build()?.invoke(event, Invocation::default()).await?);
    Ok(())
}
