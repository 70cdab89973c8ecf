//! A target may answer anything, and in another format the next time: a scrape stores it or fails. The first byte chooses the formats of two scrapes.
#![no_main]

use bellwether_scrape::bench::Target;
use libfuzzer_sys::fuzz_target;

const CONTENT_TYPES: [&str; 3] =
    ["text/plain", "application/openmetrics-text; version=1.0.0", "application/vnd.google.protobuf"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else { return };
    let content_type = |choice: u8| CONTENT_TYPES[usize::from(choice % 3)];
    let mut target = Target::with_all_histograms();
    let first = target.scrape_as(content_type(*choice), body);
    target.scrape_as(content_type(choice / 3), body);
    // Nothing of the second scrape is remembered that the third one, which is like the first, would read differently.
    assert_eq!(target.scrape_as(content_type(*choice), body), first);
});
