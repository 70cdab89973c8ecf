//! What the functions of PromQL compute, each for one value or one window; the engine applies them to rows.
//!
//! These are the plain forms: obviously right, one function after the other. A faster form for whole rows may stand beside one, never instead of it.

mod anchor;
mod avg_over_time;
mod changes;
mod date;
mod extended_rate;
mod extremes;
mod float;
mod histogram_sum;
mod instant_rate;
mod mad_over_time;
mod notes;
mod over_time;
mod quantile;
mod rate;
mod regression;
mod resets;
mod row;
mod smoothing;
mod start_time;
mod sum_over_time;
mod table;
mod variance;
mod window;

pub(crate) use date::DateField;
pub(crate) use extended_rate::interpolate_histograms;
pub(crate) use extremes::{max_of, min_of};
pub(crate) use float::FloatFunction;
pub(crate) use notes::Notes;
pub(crate) use quantile::quantile;
pub(crate) use row::{FloatRow, FloatSink, RowKernel, Windows};
pub(crate) use table::{Implementation, RangeFunction, Special, implementation};
pub(crate) use window::{Floats, Histograms, Window};
