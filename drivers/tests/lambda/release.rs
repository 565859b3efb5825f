//! The example, built for release.
