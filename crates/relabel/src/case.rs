//! Upper and lower case as Go's `strings` package has them: character by character. Rust's own functions may turn one character
//! into several (`ß` into `SS`), which would make other series of the same targets.

/// Appends `text` in lower case.
pub(crate) fn to_lowercase(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
        return;
    }
    out.extend(text.chars().map(|c| match c {
        // The only character whose full lower case is longer than its simple one.
        '\u{130}' => 'i',
        c => single(c.to_lowercase(), c),
    }));
}

/// Appends `text` in upper case.
pub(crate) fn to_uppercase(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
        return;
    }
    out.extend(text.chars().map(|c| match c {
        // Greek letters with an iota below: the simple upper case keeps it below, the full one writes it out.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(c as u32 + 8).unwrap_or(c)
        }
        '\u{1fb3}' => '\u{1fbc}',
        '\u{1fc3}' => '\u{1fcc}',
        '\u{1ff3}' => '\u{1ffc}',
        c => single(c.to_uppercase(), c),
    }));
}

/// The mapping if it is one character, else the character itself.
fn single(mut mapped: impl ExactSizeIterator<Item = char>, original: char) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(original) } else { original }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_stays_one_character() {
        let check = |text: &str, lower: &str, upper: &str| {
            let mut out = String::new();
            to_lowercase(text, &mut out);
            assert_eq!(out, lower);
            out.clear();
            to_uppercase(text, &mut out);
            assert_eq!(out, upper);
        };
        check("bAr123", "bar123", "BAR123");
        check("Straße", "straße", "STRAßE");
        check("İstanbul", "istanbul", "İSTANBUL");
        check("ΣΑΣ", "σασ", "ΣΑΣ");
        check("ᾳ", "ᾳ", "ᾼ");
        check("ﬁ", "ﬁ", "ﬁ");
        check("Éé", "éé", "ÉÉ");
    }
}
