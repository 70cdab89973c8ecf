//! The examples, each run as its users run it, and looked at from outside.

#[expect(dead_code, reason = "the tests of the program need more of it")]
#[path = "../../../crates/bellwether/tests/it/support.rs"]
mod support;

mod axum_service;
mod batch_job;
mod own_pack;
mod program;
mod receivers;
mod worker;
