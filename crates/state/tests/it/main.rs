//! What holds of the store as a whole.
mod kill;
mod model;
mod refusals;
mod round_trips;
