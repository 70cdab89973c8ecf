use std::borrow::Cow;

use crate::normalise::normalise_ids;

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

/// A path without what is unique in it, for frameworks that have no templates: ids become `{id}` as with [`normalise_ids`]. Behind the eighth segment it is cut.
///
/// ```
/// use bellwether_sdk::http::normalise_path;
///
/// assert_eq!(normalise_path("/users/42/orders/9f8c1e2ab7d04c11"), "/users/{id}/orders/{id}");
/// ```
pub fn normalise_path(path: &str) -> Cow<'_, str> {
    const MAX_SEGMENTS: usize = 8;
    // What stands in front of the first slash is the first segment, of a path nothing.
    let end = path.match_indices('/').nth(MAX_SEGMENTS).map(|(end, _)| end);
    let kept = &path[..end.unwrap_or(path.len())];
    let normal = if kept.contains("%40") {
        // An address with its at sign written as a URL has it.
        Cow::Owned(normalise_ids(&kept.replace("%40", "@")).into_owned())
    } else {
        normalise_ids(kept)
    };
    if end.is_some() { Cow::Owned(format!("{normal}/...")) } else { normal }
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
            ("/mail/a%40b.c/x", "/mail/{id}/x"),
            ("/days/2026-04-12", "/days/{id}-{id}-{id}"),
            ("/-/ready", "/-/ready"),
            ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/..."),
        ];
        for (path, normal) in cases {
            assert_eq!(normalise_path(path), normal);
        }
    }
}
