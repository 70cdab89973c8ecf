//! What holds of the router as a whole.
mod conformance;
mod messages;
mod properties;
mod running;
mod sending;
mod service;
mod timing;
