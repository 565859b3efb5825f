mod app;
mod builders;
mod sockets;
mod streams;
