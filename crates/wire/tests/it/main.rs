//! The crate's behaviour as others see it.
mod bytes;
mod hostile;
mod receiver;
mod round_trip;
mod rules;
