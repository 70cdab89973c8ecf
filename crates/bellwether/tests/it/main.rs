//! The whole program, as its users meet it: real processes, real peers, loopback only.

mod support;

mod bad_input;
mod crash;
mod differential;
mod http_api;
mod peers;
mod readme;
mod reload;
mod scraping;
mod startup;
