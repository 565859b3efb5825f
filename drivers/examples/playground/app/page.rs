//! A page that arrives in pieces.

use apptheory::prelude::*;

// console: page
/// Sends a page in pieces, with a pause before each one but the first.
pub(super) async fn page(context: Context) -> Response {
    let clock = context.clock().clone();
    let pieces = stream::iter(PIECES).enumerate().then(move |(n, piece)| {
        let clock = clock.clone();
        async move {
            if n > 0 {
                clock.sleep(PAUSE).await;
            }
            Ok::<_, AppError>(piece)
        }
    });
    Response::html_stream(200, BodyStream::new(pieces))
}
// console: end

const PIECES: [&str; 4] = [
    "<!doctype html>\n<title>In pieces</title>\n<h1>In pieces</h1>\n",
    "<p>This was sent half a second later,\n",
    "<p>this another half,\n",
    "<p>and this at last.\n",
];
const PAUSE: Duration = Duration::from_millis(500);
