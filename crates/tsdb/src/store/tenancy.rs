//! Series of all tenants live side by side. A tenant other than the default one is a label, which users neither see nor may use.

use std::borrow::Cow;

use bellwether_model::{Labels, Matcher, Tenant};

/// The label.
pub(crate) const TENANT_LABEL: &str = "__tenant__";

/// The labels under which a tenant's series is stored.
pub(crate) fn stored_labels<'a>(tenant: &Tenant, labels: &'a Labels) -> Cow<'a, Labels> {
    if tenant.as_str().is_empty() {
        return Cow::Borrowed(labels);
    }
    let mut builder = labels.to_builder();
    builder.set(TENANT_LABEL, tenant.as_str());
    Cow::Owned(builder.build())
}

/// The labels that a tenant sees.
pub(crate) fn visible_labels(tenant: &Tenant, stored: &Labels) -> Labels {
    if tenant.as_str().is_empty() { stored.clone() } else { stored.without(TENANT_LABEL) }
}

/// The name of the tenant whose series is stored under these labels.
pub(crate) fn tenant_of(stored: &Labels) -> &str {
    stored.get(TENANT_LABEL).unwrap_or("")
}

/// What must hold in addition, so that matchers select among the tenant's series.
pub(crate) fn tenant_matcher(tenant: &Tenant) -> Matcher {
    Matcher::equal(TENANT_LABEL, tenant.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_comes_and_goes() {
        let labels = Labels::from_pairs([("__name__", "up")]);
        let (default, other) = (Tenant::default(), Tenant::new("a"));
        assert!(matches!(stored_labels(&default, &labels), Cow::Borrowed(_)));
        let stored = stored_labels(&other, &labels).into_owned();
        assert_eq!(stored.to_string(), r#"up{__tenant__="a"}"#);
        assert_eq!(visible_labels(&other, &stored), labels);
        assert_eq!((tenant_of(&labels), tenant_of(&stored)), ("", "a"));
    }
}
