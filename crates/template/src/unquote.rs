/// The bytes that a string or character literal of Go spells out, its quotes included; `None` if it is none. Escapes can spell out any bytes,
/// so the result need not be UTF-8.
///
/// ```
/// assert_eq!(bellwether_template::go_unquote(r#""a\tb\xff""#), Some(b"a\tb\xff".to_vec()));
/// assert_eq!(bellwether_template::go_unquote(r#""\w""#), None);
/// ```
pub fn go_unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return raw.strip_suffix('`').map(|s| s.replace('\r', "").into_bytes());
    }
    let body = literal.get(1..literal.len().checked_sub(1)?)?;
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = chars.next()?;
        let mut number = |first: Option<char>, n: usize, radix: u32| {
            let text: String = first.into_iter().chain(chars.by_ref().take(n)).collect();
            u32::from_str_radix(&text, radix).ok()
        };
        match escape {
            'x' => out.push(u8::try_from(number(None, 2, 16)?).ok()?),
            unicode @ ('u' | 'U') => {
                let c = char::from_u32(number(None, if unicode == 'u' { 4 } else { 8 }, 16)?)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => out.push(u8::try_from(number(Some(escape), 2, 8)?).ok()?),
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
