use bellwether_exposition::BodyFormat;

/// Looks at what is scraped, beside storing it.
pub trait Inspector: Send + Sync {
    /// Called after each scrape that was read to its end, where the next scrape may have to wait for it: a look must be short.
    fn look(&self, body: &ScrapedBody<'_>);
}

/// The body of a scrape.
#[derive(Debug, Clone, Copy)]
pub struct ScrapedBody<'a> {
    /// The job.
    pub job: &'a str,
    /// The URL of the target, without secrets.
    pub url: &'a str,
    /// The format, which the target chose.
    pub format: BodyFormat,
    /// The body, decompressed.
    pub bytes: &'a [u8],
    /// When the scrape began, in milliseconds since the Unix epoch.
    pub started_ms: i64,
}
