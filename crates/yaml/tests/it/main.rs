//! What users of the crate rely on, through its public API.
mod decoding;
mod json;
mod loading;
mod properties;
mod writing;

/// One piece of text per number.
fn repeat(numbers: std::ops::Range<usize>, piece: impl Fn(usize) -> String) -> String {
    numbers.map(piece).collect::<Vec<_>>().concat()
}
