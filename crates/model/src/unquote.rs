/// The bytes that a string or character literal of Go spells out, its quotes included; `None` if it is none. Escapes can spell out any bytes,
/// so the result need not be UTF-8.
///
/// ```
/// assert_eq!(bellwether_model::go_unquote(r#""a\tb\xff""#), Some(b"a\tb\xff".to_vec()));
/// assert_eq!(bellwether_model::go_unquote(r#""\w""#), None);
/// ```
pub fn go_unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return raw.strip_suffix('`').map(|s| s.replace('\r', "").into_bytes());
    }
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let body = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    if !body.contains('\\') {
        return Some(body.as_bytes().to_vec());
    }
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = chars.next()?;
        let mut number = |first: Option<char>, n: usize, radix: u32| {
            let mut digits = first.into_iter().chain(chars.by_ref()).map(|c| c.to_digit(radix));
            (0..n).try_fold(0_u32, |code, _| Some(code * radix + digits.next()??))
        };
        match escape {
            'x' => out.push(u8::try_from(number(None, 2, 16)?).ok()?),
            unicode @ ('u' | 'U') => {
                let c = char::from_u32(number(None, if unicode == 'u' { 4 } else { 8 }, 16)?)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => out.push(u8::try_from(number(Some(escape), 3, 8)?).ok()?),
            simple => {
                out.push(match simple {
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    'v' => 11,
                    '\\' => b'\\',
                    '\'' => b'\'',
                    '"' => b'"',
                    _ => return None,
                });
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquotes_as_go() {
        let check = |literal: &str, want: &[u8]| assert_eq!(go_unquote(literal).as_deref(), Some(want));
        check(r#""plain""#, b"plain");
        check(r#""\a\b\f\n\r\t\v\\\"""#, b"\x07\x08\x0c\n\r\t\x0b\\\"");
        check(r"'it\'s'", b"it's");
        check(r#""\x41\101\u00e4\U0001F600""#, "AA\u{e4}\u{1f600}".as_bytes());
        check(r#""a\xc5z""#, b"a\xc5z");
        check("`\\n\r`", b"\\n");
    }

    #[test]
    fn what_is_no_literal_is_none() {
        for text in [
            "",
            "\"",
            "`",
            r#""\w""#,
            r#""\x4""#,
            r#""\x+4""#,
            r#""\u12""#,
            r#""\ud800""#,
            r#""\777""#,
            r#""\"#,
        ] {
            assert_eq!(go_unquote(text), None, "{text}");
        }
    }
}
