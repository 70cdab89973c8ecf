//! What holds of the router as a whole.
mod conformance;
mod properties;
mod timing;
