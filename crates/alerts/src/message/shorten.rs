//! Services take texts of a certain length only. What is cut off is told.

use serde_json::Value as Json;

/// A character takes at most so many bytes in JSON: `\u0001`.
const CHAR_BYTES_MAX: usize = 6;

/// No entity has more bytes between its ampersand and its semicolon: `#1114111`.
const ENTITY_BYTES_MAX: usize = 8;

/// At most so many characters on one line; what is cut off is told by an ellipsis.
pub(super) fn shorten(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect()
}

/// At most so many characters of a longer text; a last line tells how many there are more.
pub(super) fn shorten_lines(text: &str, max_chars: usize) -> String {
    let chars = text.chars().count();
    if chars <= max_chars {
        return text.to_owned();
    }
    // The line about the rest is longest if nothing is kept.
    let kept_chars = max_chars.saturating_sub(more(chars).chars().count());
    let kept = first_chars(text, kept_chars);
    format!("{kept}{}", more(chars - kept.chars().count()))
}

/// The same for a text in which tags and entities of HTML have a meaning: none is cut in two, and what is open is closed.
pub(super) fn shorten_html(text: &str, max_chars: usize) -> String {
    let chars = text.chars().count();
    if chars <= max_chars {
        return text.to_owned();
    }
    let mut room = max_chars.saturating_sub(more(chars).chars().count());
    loop {
        let kept = whole_html(first_chars(text, room));
        let mut out = kept.to_owned();
        out.extend(open_tags(kept).into_iter().rev().flat_map(|tag| ["</", tag, ">"]));
        out.push_str(&more(chars - kept.chars().count()));
        let too_many = out.chars().count().saturating_sub(max_chars);
        if too_many == 0 || room == 0 {
            return out;
        }
        room = room.saturating_sub(too_many);
    }
}

/// A document of at most so many bytes around as much of `text` as there is room for.
pub(super) fn fitted(text: &str, max_bytes: usize, document: impl Fn(&str) -> Json) -> Json {
    let whole = document(text);
    let size = whole.to_string().len();
    if size <= max_bytes {
        return whole;
    }
    // What is written with escapes takes more bytes than characters, so one cut may not be enough.
    let mut keep = text.chars().count();
    let mut excess = size - max_bytes;
    loop {
        keep = keep.saturating_sub(excess.div_ceil(CHAR_BYTES_MAX));
        let cut = document(&shorten_lines(text, keep));
        let size = cut.to_string().len();
        if size <= max_bytes || keep == 0 {
            return cut;
        }
        excess = size - max_bytes;
    }
}

fn more(chars: usize) -> String {
    format!("\n… {chars} more characters")
}

fn first_chars(text: &str, n: usize) -> &str {
    text.char_indices().nth(n).map_or(text, |(idx, _)| &text[..idx])
}

/// Without a tag or an entity at the end of which only the beginning is there.
fn whole_html(text: &str) -> &str {
    let open_tag = text.rfind('<').filter(|at| !text[*at..].contains('>'));
    let open_entity = text.rfind('&').filter(|at| is_beginning_of_entity(&text[at + 1..]));
    open_tag.or(open_entity).map_or(text, |end| &text[..end])
}

/// Not so behind an ampersand that stands for itself.
fn is_beginning_of_entity(text: &str) -> bool {
    text.len() < ENTITY_BYTES_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#')
}

/// The names of the tags that are open at the end, the outermost first.
fn open_tags(html: &str) -> Vec<&str> {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { continue };
        match tag.strip_prefix('/') {
            Some(name) => {
                if let Some(idx) = open.iter().rposition(|it| *it == name.trim()) {
                    open.truncate(idx);
                }
            }
            None => open.push(tag.split_whitespace().next().unwrap_or("")),
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cut_at_characters_with_a_line_about_the_rest() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
        let text = "ä".repeat(100);
        let cut = shorten_lines(&text, 50);
        assert_eq!(cut, format!("{}\n… 72 more characters", "ä".repeat(28)));
        assert!(cut.chars().count() <= 50);
        assert_eq!(shorten_lines(&text, 100), text);
    }

    #[test]
    fn html_stays_whole() {
        let text = format!("<b>bold <a href=\"http://h/?a&amp;b\">link</a></b>{}", "&lt;".repeat(100));
        for max in 30..text.len() {
            let cut = shorten_html(&text, max);
            assert!(cut.chars().count() <= max, "{max}: {cut}");
            assert!(open_tags(&cut).is_empty() && whole_html(&cut) == cut, "{max}: {cut}");
            assert!(cut.ends_with(" more characters"), "{max}: {cut}");
        }
        assert_eq!(
            shorten_html("<b>0123456789012345678901234567890123456789</b>", 40),
            "<b>012345678901</b>\n… 32 more characters"
        );
        let cut = shorten_html(&format!("Q&A: {}", "words ".repeat(100)), 100);
        assert!(cut.starts_with("Q&A: words words"), "an ampersand may stand for itself: {cut}");
    }

    #[test]
    fn documents_fit() {
        for text in ["x".repeat(1000), "\u{1}\"\n".repeat(400), "😀".repeat(300)] {
            let document = fitted(&text, 500, |text| json!({"text": text}));
            assert!(document.to_string().len() <= 500);
            let kept = document["text"].as_str().expect("text");
            assert!(kept.contains(" more characters") && kept.len() > 60, "{kept}");
        }
        assert_eq!(fitted("short", 500, |text| json!(text)), json!("short"));
    }
}
