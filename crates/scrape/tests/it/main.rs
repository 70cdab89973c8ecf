//! What users of the scrape manager rely on, through its public API.
