/// Why a text is not a size in bytes. The messages are those of the library that Prometheus uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSizeError {
    /// No digits at the start.
    #[error("units: invalid {0}")]
    Invalid(String),
    /// The unit is missing or unknown.
    #[error("units: unknown unit {unit} in {text}")]
    UnknownUnit {
        /// What stands where the unit should be.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than 2^63-1 bytes.
    #[error("units: {0} is out of range")]
    OutOfRange(String),
}

/// The units, all powers of 1024 as in Prometheus.
const UNITS: [(&str, u32); 7] =
    [("B", 0), ("KB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("PB", 50), ("EB", 60)];

/// Reads a size such as `64MB` or `1.5GiB` and returns the bytes; `0` alone needs no unit.
///
/// The units are powers of 1024 with or without the `i`, in any case. Several parts add up (`1GB512MB`).
pub fn parse_size(s: &str) -> Result<u64, ParseSizeError> {
    if s == "0" {
        return Ok(0);
    }
    if s.is_empty() {
        return Err(ParseSizeError::Invalid(s.to_owned()));
    }
    let out_of_range = || ParseSizeError::OutOfRange(s.to_owned());
    let (mut rest, mut total) = (s, 0_u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let letters =
            rest[digits..].chars().take_while(|c| !c.is_ascii_digit() && *c != '.').map(char::len_utf8).sum();
        let (number, unit) = (&rest[..digits], &rest[digits..][..letters]);
        rest = &rest[digits + letters..];
        if digits == 0 {
            return Err(ParseSizeError::Invalid(s.to_owned()));
        }
        let plain = unit.to_ascii_uppercase().replace("IB", "B");
        let Some((_, shift)) = UNITS.iter().find(|(name, _)| *name == plain) else {
            return Err(ParseSizeError::UnknownUnit { unit: unit.to_owned(), text: s.to_owned() });
        };
        let scale = 1_u64 << shift;
        let bytes = if number.contains('.') {
            let n: f64 = number.parse().map_err(|_| ParseSizeError::Invalid(s.to_owned()))?;
            let bytes = n * scale as f64;
            if bytes >= i64::MAX as f64 {
                return Err(out_of_range());
            }
            bytes as u64
        } else {
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(out_of_range)?
        };
        total = total.checked_add(bytes).filter(|t| i64::try_from(*t).is_ok()).ok_or_else(out_of_range)?;
    }
    Ok(total)
}

/// Writes a size with the largest unit that divides it, for instance `64MiB`.
pub fn format_size(bytes: u64) -> String {
    const NAMES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes == 0 {
        return "0B".to_owned();
    }
    let steps = (bytes.trailing_zeros() / 10).min(6) as usize;
    format!("{}{}", bytes >> (10 * steps), NAMES[steps])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |s: &str, bytes: u64| assert_eq!(parse_size(s), Ok(bytes), "{s}");
        check("0", 0);
        check("100B", 100);
        check("15MB", 15 << 20);
        check("15MiB", 15 << 20);
        check("1.5gb", 3 << 29);
        check("1GB512MB", (1 << 30) + (512 << 20));
        assert_eq!(format_size(15 << 20), "15MiB");
        assert_eq!(format_size(1025), "1025B");
        assert_eq!(format_size(0), "0B");
    }

    #[test]
    fn bad_sizes() {
        let check =
            |s: &str, want: &str| assert_eq!(parse_size(s).map_err(|e| e.to_string()), Err(want.to_owned()));
        check("100", "units: unknown unit  in 100");
        check("100QB", "units: unknown unit QB in 100QB");
        check("MB", "units: invalid MB");
        check("99EB", "units: 99EB is out of range");
    }
}
