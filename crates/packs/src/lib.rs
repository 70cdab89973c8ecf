//! Packs: one YAML file says what an application exposes, and everything else is made of it.
//!
//! A [`Pack`](schema::Pack) lists metrics, and ratios, quantiles, alerts and panels over them. [`compile`] turns its expressions into PromQL; [`lint`](lint::lint) says what is
//! wrong with it, and [`generate`](generate::generate) makes files of it.
pub mod catalogue;
pub mod check;
pub mod compile;
pub mod diff;
pub mod generate;
pub mod lint;
pub mod live;
pub mod meaning;
pub mod objectives;
pub mod schema;
pub mod weaver;
