mod app;
mod builders;
mod single;
mod sockets;
mod streams;
