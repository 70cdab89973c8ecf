//! The validity period of a certificate, read from its DER encoding (RFC 5280, section 4.1).

use std::ops::RangeInclusive;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The seconds since the Unix epoch during which the certificate is valid, or `None` if the bytes are not a certificate.
pub(crate) fn validity(der: &[u8]) -> Option<RangeInclusive<i64>> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = skip(fields)?;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = skip(fields)?;
    }
    let (period, _) = element(fields, SEQUENCE)?;
    let (from, rest) = time(period)?;
    let (to, _) = time(rest)?;
    Some(from..=to)
}

/// Content and rest of the element at the start of `bytes`, if it has the tag `wanted`.
fn element(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = any_element(bytes)?;
    (tag == wanted).then_some((content, rest))
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    any_element(bytes).map(|(_, _, rest)| rest)
}

fn any_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let n_digits = usize::from(first & 0x7f);
        if !(1..=4).contains(&n_digits) {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(n_digits)?;
        (digits.iter().fold(0, |n, d| (n << 8) | usize::from(*d)), rest)
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, text, rest) = any_element(bytes)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    if text.len() != 10 {
        return None;
    }
    let field = |at: usize| text[at..at + 2].parse::<i64>().ok();
    let days = days_since_epoch(year, field(0)?, field(2)?);
    Some((((days * 24 + field(4)?) * 60 + field(6)?) * 60 + field(8)?, rest))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. The year starts in March here, so that the leap day is its last day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month + 2) / 5;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + days_before_month + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_period() {
        let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).expect("valid name");
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 1, 1);
        let key = rcgen::KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("certificate");
        // 2024-02-29 is written as UTCTime, 2051 as GeneralizedTime.
        assert_eq!(validity(certificate.der()), Some(1_709_164_800..=2_556_144_000));
    }

    #[test]
    fn nonsense_is_none() {
        assert_eq!(validity(b""), None);
        assert_eq!(validity(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(validity(&[0x30, 0x02, 0x30, 0x00]), None);
        assert_eq!(validity(&[0x30, 0x80]), None);
    }

    #[test]
    fn days() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(2000, 3, 1), 11_017);
        assert_eq!(days_since_epoch(1969, 12, 31), -1);
    }
}
