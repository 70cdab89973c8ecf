//! Where in a page of HTML text is about to be written, and how it must be escaped there: what Go's `html/template` finds out from the template,
//! found out while it is written.

use std::fmt::Write as _;

use crate::escape::escape_page;
use crate::format::print;
use crate::json::to_json;
use crate::value::Value;

/// What stands in place of a value that would be dangerous; Go's word, which people search for.
const REFUSED: &str = "ZgotmplZ";
/// Attributes that hold addresses.
const URL_ATTRIBUTES: [&str; 12] = [
    "action",
    "archive",
    "background",
    "cite",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "poster",
    "src",
];

/// A page as far as it has been written.
#[derive(Debug, Default)]
pub(crate) struct Page {
    state: State,
    /// The name of the element or attribute that is being written, in small letters.
    name: String,
    /// The element whose content is no HTML, while it is open.
    raw: Option<&'static str>,
    /// The last characters of the content, in which its end is looked for.
    tail: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind `<`, in the name of an element.
    Element,
    /// In an element, between attributes.
    Tag,
    Attribute,
    /// Behind the name of an attribute.
    Equals,
    /// Behind the equals sign.
    Value,
    Quoted {
        quote: char,
        kind: Kind,
        part: Part,
    },
    Bare {
        kind: Kind,
        part: Part,
    },
    Comment,
    /// In the content of an element that is no HTML.
    Raw,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Url,
    Script,
    Style,
}

/// How far an address has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Start,
    Path,
    /// Behind `?` or `#`.
    Query,
}

impl Page {
    /// Takes note of text that was written.
    pub(crate) fn feed(&mut self, text: &str) {
        for c in text.chars() {
            self.state = self.next(c);
        }
    }

    /// The text of a value for the place that was reached.
    pub(crate) fn escape(&self, value: &Value) -> String {
        match self.state {
            // What is HTML has its references already.
            State::Quoted { kind: Kind::Plain, .. } if matches!(value, Value::SafeHtml(_)) => {
                escape_page(&text_of(value)).replace("&amp;", "&")
            }
            State::Quoted { kind, part, .. } | State::Bare { kind, part } => {
                let text = in_attribute(value, kind, part);
                let bare = matches!(self.state, State::Bare { .. });
                if bare { escape_bare(&text) } else { escape_page(&text) }
            }
            State::Value => escape_bare(&in_attribute(value, kind_of(&self.name), Part::Start)),
            State::Raw if self.raw == Some("style") => style(value),
            State::Raw => to_json(value).unwrap_or_else(|_| "null".to_owned()),
            State::Comment => String::new(),
            State::Text => match value {
                Value::SafeHtml(html) => html.to_string(),
                other => escape_page(&text_of(other)),
            },
            // The name of an element or an attribute.
            State::Element | State::Tag | State::Attribute | State::Equals => {
                let name = text_of(value);
                if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) {
                    name
                } else {
                    REFUSED.to_owned()
                }
            }
        }
    }

    fn next(&mut self, c: char) -> State {
        match self.state {
            State::Text if c == '<' => {
                self.name.clear();
                State::Element
            }
            State::Element => self.in_element(c),
            State::Tag | State::Bare { .. } if c == '>' => self.behind_tag(),
            State::Tag if c.is_whitespace() || c == '/' => State::Tag,
            State::Tag => {
                self.start_name(c);
                State::Attribute
            }
            State::Attribute | State::Equals => match c {
                '=' => State::Value,
                '>' => self.behind_tag(),
                c if c.is_whitespace() => State::Equals,
                c if self.state == State::Equals => {
                    self.start_name(c);
                    State::Attribute
                }
                c => {
                    self.name.extend(c.to_lowercase());
                    State::Attribute
                }
            },
            State::Value => match c {
                '"' | '\'' => State::Quoted { quote: c, kind: kind_of(&self.name), part: Part::Start },
                '>' => self.behind_tag(),
                c if c.is_whitespace() => State::Value,
                c => State::Bare { kind: kind_of(&self.name), part: Part::Start.behind(c) },
            },
            State::Quoted { quote, .. } if c == quote => State::Tag,
            State::Quoted { quote, kind, part } => State::Quoted { quote, kind, part: part.behind(c) },
            State::Bare { .. } if c.is_whitespace() => State::Tag,
            State::Bare { kind, part } => State::Bare { kind, part: part.behind(c) },
            State::Comment => {
                if self.ends_with(c, "-->") {
                    State::Text
                } else {
                    State::Comment
                }
            }
            State::Raw => {
                let end = if self.raw == Some("style") { "</style" } else { "</script" };
                if self.ends_with(c, end) {
                    self.raw = None;
                    State::Tag
                } else {
                    State::Raw
                }
            }
            other @ State::Text => other,
        }
    }

    fn in_element(&mut self, c: char) -> State {
        match c {
            c if self.name.is_empty() && !(c.is_ascii_alphabetic() || matches!(c, '/' | '!')) => State::Text,
            '>' => self.behind_tag(),
            '-' if self.name == "!-" => {
                self.tail.clear();
                State::Comment
            }
            c if c.is_whitespace() => {
                self.open_raw();
                State::Tag
            }
            c => {
                self.name.extend(c.to_lowercase());
                State::Element
            }
        }
    }

    /// Remembers the element if its content will be no HTML.
    fn open_raw(&mut self) {
        self.raw = ["script", "style"].into_iter().find(|raw| *raw == self.name);
    }

    fn start_name(&mut self, c: char) {
        self.name.clear();
        self.name.extend(c.to_lowercase());
    }

    fn behind_tag(&mut self) -> State {
        if self.state == State::Element {
            self.open_raw();
        }
        self.tail.clear();
        if self.raw.is_some() { State::Raw } else { State::Text }
    }

    /// Whether the content now ends with `end`, in capitals or not.
    fn ends_with(&mut self, c: char, end: &str) -> bool {
        self.tail.extend(c.to_lowercase());
        let surplus = self.tail.chars().count().saturating_sub(end.len());
        let cut = self.tail.char_indices().nth(surplus).map_or(0, |(idx, _)| idx);
        self.tail.drain(..cut);
        self.tail == end
    }
}

impl Part {
    fn behind(self, c: char) -> Self {
        match (self, c) {
            (Self::Query, _) | (_, '?' | '#') => Self::Query,
            _ => Self::Path,
        }
    }
}

fn kind_of(attribute: &str) -> Kind {
    match attribute {
        "style" => Kind::Style,
        name if name.starts_with("on") => Kind::Script,
        name if URL_ATTRIBUTES.contains(&name) || name.contains("src") || name.contains("ur") => Kind::Url,
        _ => Kind::Plain,
    }
}

/// The text as it is, without marks if there are some.
fn text_of(value: &Value) -> String {
    if matches!(value, Value::Nil) { String::new() } else { print(value) }
}

/// What the value of an attribute is, before its characters are escaped for HTML.
fn in_attribute(value: &Value, kind: Kind, part: Part) -> String {
    match kind {
        Kind::Plain => text_of(value),
        Kind::Script => to_json(value).unwrap_or_else(|_| "null".to_owned()),
        Kind::Style => style(value),
        Kind::Url => {
            let (text, safe) = (text_of(value), matches!(value, Value::SafeUrl(_)));
            match part {
                Part::Query if !safe => encode(&text, false),
                Part::Start if !safe && !has_safe_scheme(&text) => format!("#{REFUSED}"),
                _ => encode(&text, true),
            }
        }
    }
}

/// Whether an address is relative or of a kind that runs no program.
fn has_safe_scheme(url: &str) -> bool {
    match url.split_once(':') {
        Some((scheme, _)) if !scheme.contains('/') => {
            ["http", "https", "mailto"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe))
        }
        _ => true,
    }
}

/// Percent-encodes what may not stand in an address; `keep` leaves what has a meaning there as it is, escapes included.
fn encode(url: &str, keep: bool) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let reserved = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'&'
                | b'*'
                | b'+'
                | b','
                | b'/'
                | b':'
                | b';'
                | b'='
                | b'?'
                | b'@'
                | b'['
                | b']'
                | b'%'
        );
        if plain || (keep && reserved) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02x}").expect("BUG: writing to a string cannot fail");
        }
    }
    out
}

/// A value in a style sheet: a plain word or number, or nothing that does anything.
fn style(value: &Value) -> String {
    let text = text_of(value);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '#' | '%' | '.' | ',' | '-' | '_' | '!');
    if text.chars().all(plain) { text } else { REFUSED.to_owned() }
}

/// Text outside of quotes ends at white space and some more.
fn escape_bare(text: &str) -> String {
    let mut out = String::new();
    for c in escape_page(text).chars() {
        if c.is_whitespace() || matches!(c, '=' | '`') {
            write!(out, "&#{};", c as u32).expect("BUG: writing to a string cannot fail");
        } else {
            out.push(c);
        }
    }
    if out.is_empty() { REFUSED.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written for `value` behind `before`.
    fn after(before: &str, value: &str) -> String {
        let mut page = Page::default();
        page.feed(before);
        page.escape(&value.into())
    }

    #[test]
    fn escapes_by_place() {
        assert_eq!(after("<p>", "<b>&"), "&lt;b&gt;&amp;");
        assert_eq!(after("<p title=\"", "a\"b"), "a&#34;b");
        assert_eq!(after("<p title=", "a b"), "a&#32;b");
        assert_eq!(after("<a href=\"/search?", "q=test%20foo"), "q%3dtest%2520foo");
        assert_eq!(after("<a href=\"", "https://x/?a=b c"), "https://x/?a=b%20c");
        assert_eq!(after("<a href='", "javascript:alert(1)"), "#ZgotmplZ");
        assert_eq!(after("<a HREF = '/", "javascript:alert(1)"), "javascript:alert%281%29");
        assert_eq!(after("<script>var x = ", "</script>"), "\"\\u003c/script\\u003e\"");
        assert_eq!(after("<script>1</script><p>", "<"), "&lt;");
        assert_eq!(after("<style>p { color: ", "red; x: expression(1)"), "ZgotmplZ");
        assert_eq!(after("<style>p { color: ", "#e03"), "#e03");
        assert_eq!(after("<p onclick=\"f(", "a"), "&#34;a&#34;");
        assert_eq!(after("<!-- a -- b ", "x"), "");
        assert_eq!(after("<!-- a --><p>1 < 2 ", "<"), "&lt;");
        assert_eq!(after("<", "script"), "script");
        assert_eq!(after("<p ", "onclick=alert(1)"), "ZgotmplZ");
    }

    #[test]
    fn what_is_said_to_be_safe_is_left_as_it_is_where_it_fits() {
        let mut page = Page::default();
        page.feed("<p>");
        assert_eq!(page.escape(&Value::SafeHtml("<b>".into())), "<b>");
        page.feed("<a title='");
        assert_eq!(page.escape(&Value::SafeHtml("'&lt;".into())), "&#39;&lt;");
        page.feed("' href=\"/search?");
        assert_eq!(page.escape(&Value::SafeUrl("q=test%20foo".into())), "q=test%20foo");
        assert_eq!(page.escape(&Value::SafeHtml("<b>".into())), "%3cb%3e");
    }
}
