//! Discovery, scrape pools, scrape loops and staleness.

pub mod config;
