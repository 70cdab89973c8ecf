//! The whole program, as its users meet it: real processes, real peers, loopback only.

mod support;

mod active_queries;
mod admin;
mod agreement;
mod alerting_differential;
mod alertmanager;
mod bad_input;
mod check_cli;
mod crash;
mod differential;
mod http_api;
mod http_limits;
mod limits;
mod lint_cli;
mod pack_cli;
mod packs;
mod peers;
mod protobuf;
mod query_cli;
mod readme;
mod reload;
mod remote_read;
mod rule_tests_cli;
mod rules;
mod scraping;
mod slos;
mod startup;
mod storage_cli;
mod test_receiver_cli;
mod web_config;
mod worst_queries;
