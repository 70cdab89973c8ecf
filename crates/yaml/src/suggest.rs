/// The candidate that `word` is probably a slip of: at most a third of its letters differ (two for short words). Ties go to the
/// first candidate.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Comparing takes the product of both lengths; no key is as long as this.
    if word.len() > 100 {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let known = ["scrape_configs", "scrape_config_files", "global", "rule_files", "to"];
        let check = |word: &str, want: Option<&str>| assert_eq!(nearest(word, known), want, "{word}");
        check("scrape_config", Some("scrape_configs"));
        check("Scrape_Configs", Some("scrape_configs"));
        check("golbal", Some("global"));
        check("rules_file", Some("rule_files"));
        check("nonexistent", None);
        check("xy", None);
        check(&"g".repeat(200), None);
    }
}
