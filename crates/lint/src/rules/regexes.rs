//! Regular expressions in selectors, which match whole values.

use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::syntax::TextSpan;

use super::{Found, Scene};

/// Each matcher with a regular expression.
fn in_matchers(scene: &Scene<'_>, look: impl Fn(&Matcher) -> Option<(String, String)>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        for used in rule.rule.expr.selectors() {
            for matcher in
                used.selector.matchers.iter().filter(|m| matches!(m.op(), MatchOp::Re | MatchOp::Nre))
            {
                let Some((message, remedy)) = look(matcher) else { continue };
                found.push(Found::in_expr(
                    rule,
                    place_of(matcher, used.span, &rule.rule.expr_text),
                    message,
                    remedy,
                ));
            }
        }
    }
    found
}

/// The pattern in the selector, if it stands there as it is.
fn place_of(matcher: &Matcher, selector: TextSpan, text: &str) -> TextSpan {
    match selector.text(text).find(matcher.value()).filter(|_| !matcher.value().is_empty()) {
        Some(at) => {
            let start = selector.start as usize + at;
            TextSpan::new(start, start + matcher.value().len())
        }
        None => selector,
    }
}

pub(super) fn needless(scene: &Scene<'_>) -> Vec<Found> {
    in_matchers(scene, |matcher| {
        let pattern = matcher.value();
        let plain = if matcher.op() == MatchOp::Re { "=" } else { "!=" };
        if !pattern.contains(|c: char| r"\.+*?()|[]{}^$".contains(c)) {
            let message = format!("{matcher} is no pattern");
            return Some((message, format!("write {}{plain}{pattern:?}", matcher.name())));
        }
        let core = pattern.strip_prefix('^').unwrap_or(pattern);
        let core = if core.ends_with(r"\$") { core } else { core.strip_suffix('$').unwrap_or(core) };
        if core != pattern && !core.contains('|') {
            let message = format!("{matcher} matches whole values anyway");
            return Some((message, format!("write {}{}{core:?}", matcher.name(), matcher.op().as_str())));
        }
        if matcher.op() == MatchOp::Re && pattern == ".*" {
            let message = format!("{matcher} matches every value, and series without the label");
            return Some((message, "leave it out".to_owned()));
        }
        if is_dotted_literal(pattern) {
            let message = format!("each dot of {matcher} stands for any character");
            return Some((message, format!("write {}{plain}{pattern:?}", matcher.name())));
        }
        None
    })
}

/// An address or a file name: single dots between letters and digits, and no other sign of a pattern.
fn is_dotted_literal(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('.').collect();
    let is_plain =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_:/".contains(c));
    parts.len() > 1 && parts.iter().all(is_plain)
}

pub(super) fn open_ended(scene: &Scene<'_>) -> Vec<Found> {
    in_matchers(scene, |matcher| {
        let open = |text: &str| [".*", ".+"].iter().any(|end| text.starts_with(end));
        let pattern = matcher.value();
        let core = pattern.get(2..pattern.len().saturating_sub(2)).unwrap_or_default();
        let ends_open = [".*", ".+"].iter().any(|end| pattern.ends_with(end));
        let is_open = pattern.len() > 4 && open(pattern) && ends_open && !core.contains(['|', '(']);
        is_open.then(|| {
            let message = format!("{matcher} matches wherever {core:?} stands in the value, also in values that nobody has thought of yet");
            (message, "say how the values begin or end, or name them".to_owned())
        })
    })
}
