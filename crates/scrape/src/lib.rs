//! Discovery, scrape pools, scrape loops and staleness.
