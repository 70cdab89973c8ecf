//! What people rely on of packs.

mod schema;
