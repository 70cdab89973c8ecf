//! The time series store: head, log, parts, index, retention.
#![allow(dead_code, unused_imports)]
mod codec;
mod coding;
mod head;
mod part;
mod records;
mod select;
