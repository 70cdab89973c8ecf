//! How columns of numbers become bytes. Described in `docs/formats/codecs.md`.

mod floats;
mod histograms;
mod id;
mod ints;
mod pack;
mod timestamps;

pub(crate) use floats::{decode_floats, encode_floats};
pub(crate) use histograms::{
    decode_histograms, encode_histograms, exact_int, is_consistent, put_histogram, put_value, read_histogram,
    read_value, same_histogram,
};
pub(crate) use id::Codec;
pub(crate) use ints::{decode_ints, encode_ints};

pub(crate) use timestamps::{decode_start_times, decode_times, encode_start_times, encode_times};

/// A column has at most this many values.
pub(crate) const MAX_ROWS: usize = 8192;
