//! Remote write and the other wire protocols, to and from the model.

pub mod config;
