use std::fs;
use std::path::{Path, PathBuf};

/// The files that match `pattern`, sorted by name, as Go's `filepath.Glob` finds them: `*` and `?` stand for characters other than
/// the separator, `[a-z]` for one of a class, a backslash takes the next character as it is. A folder that cannot be
/// read has no files; a malformed pattern matches nothing.
pub fn matching_files(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let text = component.as_os_str().to_string_lossy();
        if !text.contains(['*', '?', '[', '\\']) {
            for path in &mut found {
                path.push(component);
            }
            continue;
        }
        let pattern: Vec<char> = text.chars().collect();
        found = found.iter().flat_map(|folder| entries(folder, &pattern)).collect();
    }
    found.retain(|path| path.exists());
    found.sort();
    found
}

fn entries(folder: &Path, pattern: &[char]) -> Vec<PathBuf> {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(listed) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name: Vec<char> = entry.file_name().to_string_lossy().chars().collect();
            matches(pattern, &name)
        })
        .map(|entry| folder.join(entry.file_name()))
        .collect()
}

/// Whether the whole of `name` matches. Going back to the last star only keeps this quadratic at worst.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
            continue;
        }
        let step = match name.get(n) {
            None if p == pattern.len() => return true,
            None => None,
            Some(c) => match_one(&pattern[p..], *c),
        };
        match (step, star) {
            (Some(len), _) => {
                p += len;
                n += 1;
            }
            (None, Some((at, from))) if from < name.len() => {
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How much of the pattern the character `c` uses up; `None` if it does not match.
fn match_one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == c).then_some(2),
        ['[', class @ ..] => match_class(class, c).map(|len| len + 1),
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

/// What follows a `[`: characters and ranges up to the `]`, all of them turned around by a `^` at the start.
fn match_class(class: &[char], c: char) -> Option<usize> {
    let negated = class.first() == Some(&'^');
    let mut at = usize::from(negated);
    let mut found = false;
    let mut is_empty = true;
    let bound = |at: &mut usize| -> Option<char> {
        if class.get(*at) == Some(&'\\') {
            *at += 1;
        }
        let bound = class.get(*at).copied();
        *at += 1;
        bound
    };
    loop {
        if class.get(at) == Some(&']') && !is_empty {
            return (found != negated).then_some(at + 1);
        }
        let low = bound(&mut at)?;
        let high = if class.get(at) == Some(&'-') {
            at += 1;
            bound(&mut at)?
        } else {
            low
        };
        found |= (low..=high).contains(&c);
        is_empty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go() {
        let check = |pattern: &str, name: &str, want: bool| {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            assert_eq!(matches(&p, &n), want, "{pattern} {name}");
        };
        check("*.yml", "a.yml", true);
        check("*.yml", "a.yaml", false);
        check("*", "", true);
        check("a*b*c", "axxbxbyc", true);
        check("a*b*c", "axxbxby", false);
        check("?.yml", "é.yml", true);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[a-", "a", false);
        check("[]a]", "a", true);
        check(r"\*", "*", true);
        check(r"\*", "a", false);
        check(r"[\]]", "]", true);
        check("a[", "a[", false);
        check("*a*a*a*a*b", &"a".repeat(50), false);
    }
}
