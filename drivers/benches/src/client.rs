//! Decisions on DynamoDB, through a client of the AWS SDK and without it.

use apptheory::execute::{StoreExecutor, drive};
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, Region,
};
use apptheory::store::aws::aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use apptheory::store::{AwsStore, Store};
use apptheory_core::limiter::{Attempt, Limiter, RateLimitKey, Recall};
use apptheory_core::time::Timestamp;
use apptheory_counts::instructions;
use tokio::runtime::{Builder, Runtime};

use crate::dynamodb::{self, TABLE};
use crate::measure::{Contender, Effort};
use crate::table::{Figures, Group, Row, Unit, beside};

pub(crate) const GROUP: Group = Group {
    name: "client",
    title: "Decisions over the wire",
    how: "One decision of a fixed window, counted by a DynamoDB on this machine over HTTP, with keep-alive and signatures; beside the \
          same update made by hand with the AWS SDK. `Store::aws_lean` has no AWS SDK. Time includes the server's. Instructions are the client's alone, counted by \
          callgrind: the difference between 200 and 50 decisions.",
    run,
};

/// The role of this program that makes decisions; its arguments are the client, DynamoDB's address,
/// and the number.
pub(crate) const ROLE: &str = "decide";

const OURS: &str = "apptheory";
const LEAN: &str = "aws-lean";
const BY_HAND: &str = "the AWS SDK by hand";

fn run(effort: Effort) -> Vec<Row> {
    let url = dynamodb::serve();
    let (mut ours, mut by_hand) = (Decider::new(OURS, &url), Decider::new(BY_HAND, &url));
    let mut rows = beside(
        effort,
        "a decision, time",
        Contender::new(OURS, || ours.decide()),
        [Contender::new(BY_HAND, || by_hand.decide())],
    );
    let mut lean = Decider::new(LEAN, &url);
    rows.extend(beside(
        effort,
        "a decision without the AWS SDK, time",
        Contender::new(LEAN, || lean.decide()),
        [Contender::new(OURS, || ours.decide()), Contender::new(BY_HAND, || by_hand.decide())],
    ));
    let own = std::env::current_exe().expect("a path").to_string_lossy().into_owned();
    let count = |client: &str| {
        if effort == Effort::Once {
            return Err("counted in longer runs".to_owned());
        }
        let counted = instructions(&[&*own, "role", ROLE, client, &url], 50, 200);
        counted.map_err(|error| error.to_string())
    };
    let by_hand = count(BY_HAND);
    for (what, client) in
        [("a decision, instructions", OURS), ("a decision without the AWS SDK, instructions", LEAN)]
    {
        let counted = count(client).and_then(|ours| Ok((ours, by_hand.clone()?)));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let figures = counted.map(|(ours, by_hand)| Figures {
            unit: Unit::Instructions,
            ours: ours as f64,
            peer: Some((BY_HAND, by_hand as f64)),
        });
        rows.push(Row { what: what.into(), figures });
    }
    rows
}

/// Plays the role, with the arguments after its name.
pub(crate) fn play(arguments: &[String]) {
    let [client, url, times] = arguments else { panic!("whose client, where, how often") };
    let mut decider = Decider::new(client, url);
    for _ in 0..times.parse().expect("a number") {
        decider.decide();
    }
}

struct Decider {
    runtime: Runtime,
    client: Way,
}

enum Way {
    Ours(AwsStore, Limiter, Recall),
    Lean(Store, Limiter, Recall),
    ByHand(Client),
}

const START: i64 = 1_767_225_600;

impl Decider {
    fn new(client: &str, url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "bench"))
            .endpoint_url(url);
        // The hand-written client uses our HTTP client, too, so that TLS is not compared.
        let ours = AwsStore::new(Client::from_conf(config.build()));
        let limiter = dynamodb::limiter();
        let client = match client {
            OURS => Way::Ours(ours, limiter, Recall::default()),
            LEAN => Way::Lean(runtime.block_on(lean(url)), limiter, Recall::default()),
            _ => Way::ByHand(ours.client().clone()),
        };
        Self { runtime, client }
    }

    fn decide(&mut self) {
        self.runtime.block_on(async {
            match &mut self.client {
                Way::Ours(store, limiter, recall) => decide(store, limiter, recall).await,
                Way::Lean(store, limiter, recall) => decide(store, limiter, recall).await,
                Way::ByHand(client) => assert!(count(client).await > 0),
            }
        });
    }
}

async fn lean(url: &str) -> Store {
    let url = url.to_owned();
    let env = move |name: &str| match name {
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("id".to_owned()),
        "AWS_ENDPOINT_URL_DYNAMODB" => Some(url.clone()),
        _ => None,
    };
    Store::builder().env(env).aws_lean().await
}

async fn decide(store: &impl StoreExecutor, limiter: &Limiter, recall: &mut Recall) {
    let key = RateLimitKey::new("tenant-7", "/orders", "POST").expect("a key");
    let attempt = Attempt::new(key, Timestamp::from_unix_seconds(START));
    let decided = drive(limiter.check_and_increment(attempt, recall), store).await;
    recall.learn(decided.learned);
    assert!(decided.decision.expect("a decision").allowed);
}

/// Counts by the update that the limiter sends.
async fn count(client: &Client) -> i64 {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: i64| AttributeValue::N(number.to_string());
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
    let names = names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned()));
    let updated = client
        .update_item()
        .table_name(TABLE)
        .key("PK", text(&format!("tenant-7#{START}")))
        .key("SK", text("/orders#POST"))
        .update_expression(
            "SET #i = if_not_exists(#i, :i), #r = if_not_exists(#r, :r), \
             #o = if_not_exists(#o, :o), #s = if_not_exists(#s, :s), \
             #t = if_not_exists(#t, :t), #w = if_not_exists(#w, :w), \
             #l = if_not_exists(#l, :l), #a = if_not_exists(#a, :n), #u = :n ADD #c :one",
        )
        .condition_expression("attribute_not_exists(#c) OR #c <= :room")
        .set_expression_attribute_names(Some(names.into()))
        .expression_attribute_values(":i", text("tenant-7"))
        .expression_attribute_values(":r", text("/orders"))
        .expression_attribute_values(":o", text("POST"))
        .expression_attribute_values(":s", number(START))
        .expression_attribute_values(":t", text("60s"))
        .expression_attribute_values(":w", text("2026-01-01T00:00:00Z"))
        .expression_attribute_values(":l", number(START + 3_600))
        .expression_attribute_values(":n", text("2026-01-01T00:00:00Z"))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":room", number(999_999))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .send()
        .await
        .expect("counted");
    let count = updated.attributes().and_then(|item| item.get("Count")?.as_n().ok()?.parse().ok());
    count.expect("a count")
}
