//! What a server relies on: whole scrapes over real HTTP, through the public API only.
mod discovery;
mod dns;
mod harness;
mod scraping;
mod server;
