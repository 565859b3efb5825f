mod app;
mod builders;
#[cfg(feature = "logs")]
mod lines;
mod schedules;
mod single;
#[cfg(feature = "sns")]
mod sns;
mod sockets;
mod streams;
