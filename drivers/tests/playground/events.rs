//! The event bus over HTTP, and decoded cursors.

use apptheory::app::AppService;
use apptheory_core::eventbus::CursorSeal;
use apptheory_core::http::RawRequest;
use apptheory_core::store::CursorError;
use serde_json::{Value as Json, json};

use crate::app::cursor::{self, NotACursor};
use crate::{body, new_app};

async fn send(app: &AppService, method: &'static str, path: &str, text: &str) -> (u16, String) {
    let request =
        RawRequest { body: text.as_bytes().to_vec().into(), ..RawRequest::new(method, path) };
    let response = crate::send(app, request).await;
    (response.status, body(response))
}

async fn read(app: &AppService, path: &str) -> Json {
    let (status, body) = send(app, "GET", path, "").await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

#[tokio::test]
async fn events_are_published_paged_read_and_deleted() {
    let (app, _dir) = new_app();
    for n in 0..3 {
        let event = json!({
            "id": format!("e{n}"), "tenant_id": "t1", "event_type": "hello", "tags": ["a", "b"],
            "published_at": format!("2026-01-01T00:00:0{n}Z"), "payload": {"n": n},
        });
        for expected in [201, 200] {
            let (status, body) = send(&app, "POST", "/events", &event.to_string()).await;
            assert_eq!(status, expected, "{body}");
        }
    }
    assert_eq!(read(&app, "/events?tenant=t1&tag=c&tag=b").await["events"], json!([]));
    let first = read(&app, "/events?tenant=t1&type=hello&tag=a&tag=b&limit=2").await;
    assert_eq!(
        (&first["events"][0]["id"], &first["events"][1]["id"]),
        (&json!("e2"), &json!("e1"))
    );
    let cursor = first["next_key"]["cursor"].as_str().expect("a cursor").replace('=', "%3D");
    let second =
        read(&app, &format!("/events?tenant=t1&type=hello&tag=a&tag=b&cursor={cursor}")).await;
    assert_eq!((&second["events"][0]["id"], &second["next_key"]), (&json!("e0"), &Json::Null));

    assert_eq!(read(&app, "/events/e1?tenant=t1").await["payload"], json!({"n": 1}));
    assert_eq!(send(&app, "GET", "/events/e1?tenant=t2", "").await.0, 404);
    let deleted = send(&app, "DELETE", "/events/e1", "").await;
    assert_eq!(deleted, (200, "{\"deleted\":1}".into()));
    let (status, body) = send(&app, "DELETE", "/events/e1", "").await;
    assert!(status == 404 && body.contains("event not found: e1"), "{body}");
    // A percent sign that starts no escape is text.
    let (status, body) = send(&app, "GET", "/events/%2", "").await;
    assert!(status == 404 && body.contains("event not found: %2"), "{body}");
}

#[tokio::test]
async fn bad_requests_are_answered_with_what_is_wrong() {
    let (app, _dir) = new_app();
    for (method, path, body, why) in [
        ("POST", "/events", "no json", "malformed"),
        ("POST", "/events", r#"{"tenant_id":"t1"}"#, "event type cannot be empty"),
        ("GET", "/events", "", "?tenant=t1"),
        ("GET", "/events?tenant=t1&limit=0", "", "limit=0"),
        ("GET", "/events?tenant=t1&limit=1001", "", "limit=1001"),
        ("GET", "/events?tenant=t1&cursor=!!", "", "invalid cursor"),
        ("GET", "/events?tenant=t1&limit=ten", "", "limit=ten"),
        ("GET", "/events?tenant=t1&color=red", "", "color"),
        ("GET", "/events/%20", "", "event ID cannot be empty"),
    ] {
        let (status, body) = send(&app, method, path, body).await;
        assert_eq!(status, 400, "{path}");
        assert!(body.contains(why), "{body}");
    }
}

#[tokio::test]
async fn cursors_can_be_looked_into() {
    assert_eq!(cursor::decode("NDI"), Ok(json!({"kind": "offset", "offset": 42})));
    let plain = "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJ0MSNlIn19LCJzb3J0IjoiREVTQyJ9";
    let shown = |seal: Json| {
        let last_key = json!({"pk": {"S": "t1#e"}});
        json!({"kind": "key", "lastKey": last_key, "index": null, "sort": "DESC", "seal": seal})
    };
    assert_eq!(cursor::decode(plain), Ok(shown(Json::Null)));
    let sealed = CursorSeal::new("secret").expect("a secret").seal(plain);
    let key_id = CursorSeal::peek(&sealed).expect("a seal").1;
    let seal = json!({"key_id": key_id, "verified": false});
    assert_eq!(cursor::decode(&sealed), Ok(shown(seal)));

    assert_eq!(cursor::decode(""), Err(NotACursor::Empty));
    assert_eq!(cursor::decode("!!"), Err(NotACursor::Neither(CursorError::NotBase64)));
}
