mod app;
mod builders;
mod schedules;
mod single;
mod sockets;
mod streams;
