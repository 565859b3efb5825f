//! A function whose spans go to an OpenTelemetry collector.

fn main() {}
