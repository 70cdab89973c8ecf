//! What people rely on of packs.

mod check;
mod compile;
mod diff;
mod generate;
mod lint;
mod pages;
mod runbooks;
mod schema;
mod weaver;
