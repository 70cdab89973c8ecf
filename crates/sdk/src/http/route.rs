use std::borrow::Cow;

/// The route of what no route matches.
pub const UNMATCHED: &str = "_unmatched";

/// In the extensions of a response: the route that it belongs to, for handlers that know it better than the router in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route(pub Cow<'static, str>);

/// What the router of `axum` matched, through all nests. It is what the layer looks at if nothing else is said.
#[cfg(feature = "axum")]
pub fn matched_path(request: &http::request::Parts) -> Option<Cow<'_, str>> {
    request.extensions.get::<axum::extract::MatchedPath>().map(|path| Cow::Borrowed(path.as_str()))
}

/// A path without what is unique in it, for frameworks that have no templates: numbers, UUIDs, long hexadecimal numbers and e-mail addresses become `{id}`. Behind the eighth segment
/// it is cut.
///
/// ```
/// use bellwether_sdk::http::normalise_path;
///
/// assert_eq!(normalise_path("/users/42/orders/9f8c1e2ab7d04c11"), "/users/{id}/orders/{id}");
/// ```
pub fn normalise_path(path: &str) -> Cow<'_, str> {
    const MAX_SEGMENTS: usize = 8;
    let segments = || path.trim_start_matches('/').split('/');
    if segments().count() <= MAX_SEGMENTS && !segments().any(is_unique) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    for (idx, segment) in segments().enumerate() {
        out.push('/');
        if idx == MAX_SEGMENTS {
            out.push_str("...");
            break;
        }
        out.push_str(if is_unique(segment) { "{id}" } else { segment });
    }
    Cow::Owned(out)
}

fn is_unique(segment: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let has_digit = segment.contains(|c: char| c.is_ascii_digit());
    let is_number = has_digit && segment.chars().all(|c| c.is_ascii_digit() || c == '-' || c == '.');
    let is_long_hex = segment.len() >= 12 && has_digit && segment.chars().all(is_hex);
    is_number || is_long_hex || segment.contains('@') || segment.contains("%40")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unique_is_taken_out_of_paths() {
        let cases = [
            ("/", "/"),
            ("/users", "/users"),
            ("/users/", "/users/"),
            ("/users/42", "/users/{id}"),
            ("/v1/v2", "/v1/v2"),
            ("/u/123e4567-e89b-12d3-a456-426614174000/x", "/u/{id}/x"),
            ("/decade/facade", "/decade/facade"),
            ("/mail/a@b.c", "/mail/{id}"),
            ("/-/ready", "/-/ready"),
            ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/..."),
        ];
        for (path, normal) in cases {
            assert_eq!(normalise_path(path), normal);
        }
    }
}
