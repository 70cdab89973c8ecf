//! Capitals and small letters as Go has them: one letter for one, whatever stands around it. `ß` has no capital, and `Σ` is `σ` also at the end of a word.

/// Go's `strings.ToUpper`.
pub(super) fn to_upper(text: &str) -> String {
    text.chars().map(upper).collect()
}

/// Go's `strings.ToLower`.
pub(super) fn to_lower(text: &str) -> String {
    text.chars().map(lower).collect()
}

/// The first letter of each word as it stands there, as Go's `strings.Title`.
pub(super) fn to_title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    for c in text.chars() {
        // Beyond ASCII, only blanks are between words.
        let starts_word = if previous.is_ascii() {
            !previous.is_ascii_alphanumeric() && previous != '_'
        } else {
            previous.is_whitespace()
        };
        out.push(if starts_word { title(c) } else { c });
        previous = c;
    }
    out
}

fn upper(c: char) -> char {
    match c {
        // Greek letters with an iota below: the standard library writes it beside the capital.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(c as u32 + 8).unwrap_or(c)
        }
        '\u{1fb3}' => '\u{1fbc}',
        '\u{1fc3}' => '\u{1fcc}',
        '\u{1ff3}' => '\u{1ffc}',
        c => only(c.to_uppercase()).unwrap_or(c),
    }
}

fn lower(c: char) -> char {
    match c {
        '\u{130}' => 'i',
        c => only(c.to_lowercase()).unwrap_or(c),
    }
}

fn title(c: char) -> char {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        // Georgian has capitals for whole texts only.
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

/// The character, if it is one.
fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_in_upper_case() {
        assert_eq!(to_title("o'neil mc-fly_x a.b 1h é–ü"), "O'Neil Mc-Fly_x A.B 1h É–ü");
        assert_eq!(to_title("\u{1c6} \u{10d0} ß"), "\u{1c5} \u{10d0} ß");
    }

    #[test]
    fn one_letter_becomes_one() {
        assert_eq!(to_upper("straße ŉ \u{1fb3}\u{1f80} é \u{10d0}"), "STRAßE ŉ \u{1fbc}\u{1f88} É \u{1c90}");
        assert_eq!(to_lower("ΑΣ \u{130}É"), "ασ ié");
    }
}
