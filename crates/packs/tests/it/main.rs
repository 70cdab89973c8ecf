//! What people rely on of packs.

mod compile;
mod lint;
mod schema;
