//! `$name` and `${name}` in a text, as Go's `os.Expand` reads them.

/// Replaces references by what `lookup` says; `$$` is a dollar.
pub(super) fn expand(text: &str, mut lookup: impl FnMut(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, len) = reference(rest);
        match (name, len) {
            // Two dollars are one, and a dollar that introduces nothing stays.
            ("$", _) | ("", 0) => out.push('$'),
            // `${}` and a brace that is never closed vanish.
            ("", _) => {}
            (name, _) => out.push_str(&lookup(name)),
        }
        rest = &rest[len..];
    }
    out.push_str(rest);
    out
}

/// The name at the start of what follows a dollar, and how much of the text it takes.
fn reference(rest: &str) -> (&str, usize) {
    if let Some(body) = rest.strip_prefix('{') {
        return match body.find('}') {
            Some(0) => ("", 2),
            Some(end) => (&body[..end], end + 2),
            None => ("", 1),
        };
    }
    if rest.starts_with(|c: char| "*#$@!?-0123456789".contains(c)) {
        return (&rest[..1], 1);
    }
    let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (&rest[..len], len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_go() {
        let check = |text: &str, want: &str| {
            let got = expand(text, |name| format!("<{name}>"));
            assert_eq!(got, want, "{text}");
        };
        check("foo", "foo");
        check("${TEST}", "<TEST>");
        check("a$TEST-b", "a<TEST>-b");
        check("foo$${TEST}", "foo${TEST}");
        check("foo$$bar", "foo$bar");
        check("$", "$");
        check("$ x", "$ x");
        check("a${}b", "ab");
        check("a${b", "ab");
        check("$1x", "<1>x");
        check("${a b}", "<a b>");
        check("é$é", "é$é");
    }
}
