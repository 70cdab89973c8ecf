/// Whether the text has a reference to a group of the pattern, or could have one.
pub(crate) fn has_reference(template: &str) -> bool {
    template.contains('$')
}

/// Whether `template` stands for a label name under the legacy scheme: letters, digits, underscores and references such as `$1` or
/// `${name}`, not starting with a digit.
pub fn is_legacy_target(template: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut rest = template.as_bytes();
    if rest.first().is_none_or(u8::is_ascii_digit) {
        return false;
    }
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'$', [b'{', name @ ..]) => {
                let len = name.iter().take_while(|b| is_word(**b)).count();
                match &name[len..] {
                    [b'}', tail @ ..] if len > 0 => tail,
                    _ => return false,
                }
            }
            (b'$', name) => {
                let len = name.iter().take_while(|b| is_word(**b)).count();
                if len == 0 {
                    return false;
                }
                &name[len..]
            }
            (b, tail) if is_word(b) => tail,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_targets() {
        let check = |template: &str, want: bool| assert_eq!(is_legacy_target(template), want, "{template:?}");
        check("label", true);
        check("$1", true);
        check("${1}", true);
        check("${name}label", true);
        check("_${1}_9", true);
        check("$1$2", true);
        check("", false);
        check("9a", false);
        check("$", false);
        check("${", false);
        check("${}", false);
        check("foo${", false);
        check("a$-", false);
        check("a.b", false);
        check("é", false);
    }
}
