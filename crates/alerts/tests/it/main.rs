//! What holds of the router as a whole.
mod conformance;
mod mail;
mod mail_server;
mod messages;
mod product_rules;
mod products;
mod properties;
mod running;
mod sending;
mod service;
mod timing;
