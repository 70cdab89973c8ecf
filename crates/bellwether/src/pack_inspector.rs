//! Shows what is scraped to the check against packs.

use std::sync::Arc;

use bellwether_model::Clock;
use bellwether_packs::live::{LiveCheck, Scraped};
use bellwether_scrape::{Inspector, ScrapedBody};

/// Looks at scrapes for the check against packs.
pub(crate) struct PackInspector {
    pub(crate) packs: Arc<LiveCheck>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Inspector for PackInspector {
    fn look(&self, body: &ScrapedBody<'_>) {
        let &ScrapedBody { job, url, format, bytes, started_ms } = body;
        let now = self.clock.monotonic();
        self.packs.offer(&Scraped { job, url, format, body: bytes, now, now_ms: started_ms });
    }
}
