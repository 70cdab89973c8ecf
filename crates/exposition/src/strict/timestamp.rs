use crate::number::parse_value;

/// A timestamp in nanoseconds, because the rules compare what is written, not what a scrape keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(i128);

impl Timestamp {
    /// The timestamp in what follows a series: ` VALUE TIMESTAMP ...`, known to be there.
    pub(super) fn behind_value(rest: &[u8]) -> Option<Self> {
        let line = rest.split(|b| *b == b'\n').next()?;
        let text = line.split(|b| *b == b' ').nth(2)?;
        Self::parse(std::str::from_utf8(text).ok()?)
    }

    /// Nine digits behind the point count; with an exponent, as many as a float holds.
    fn parse(text: &str) -> Option<Self> {
        const DIGITS: usize = 9;
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_plain = fraction.bytes().all(|b| b.is_ascii_digit());
        if let (Ok(whole), true) = (seconds.parse::<i64>(), is_plain) {
            let kept = &fraction[..fraction.len().min(DIGITS)];
            let nanos: i128 = format!("{kept:0<DIGITS$}").parse().ok()?;
            let sign = if seconds.starts_with('-') { -1 } else { 1 };
            return Some(Self(i128::from(whole) * 1_000_000_000 + sign * nanos));
        }
        Some(Self((parse_value(text.as_bytes()).ok()? * 1e9) as i128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_what_is_written() {
        let parse = |text| Timestamp::parse(text).expect(text);
        assert_eq!(parse("1"), Timestamp(1_000_000_000));
        assert_eq!(parse("1.5e3"), parse("1500"));
        assert_eq!(parse("-0.5"), Timestamp(-500_000_000));
        assert!(parse("0.0000000001") == parse("0"));
        assert!(parse("0.000000001") > parse("0"));
        assert!(parse("-1.1") < parse("-1"));
        assert!(parse("12345678901234567890.1234567890") > parse("1e19"));
        assert_eq!(Timestamp::behind_value(b" 1 2 # {} 3\n4"), Some(parse("2")));
    }
}
