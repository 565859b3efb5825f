//! Runs every benchmark with its peers side by side, and writes the page of the figures.

fn main() {}
