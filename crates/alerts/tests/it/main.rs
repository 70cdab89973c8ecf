//! What holds of the router as a whole.
mod alertmanager;
mod conformance;
mod docs;
mod extensions;
mod kill;
mod mail;
mod mail_server;
mod messages;
mod play;
mod product_rules;
mod products;
mod properties;
mod restart;
mod running;
mod sending;
mod service;
mod timing;
