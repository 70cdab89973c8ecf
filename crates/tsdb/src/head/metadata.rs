use std::collections::BTreeMap;

use bellwether_model::MetricMetadata;

/// A family keeps at most this many descriptions that differ; the oldest makes room.
const MAX_PER_FAMILY: usize = 16;
/// At most this many families are described, tenants taken together.
const MAX_FAMILIES: usize = 200_000;

/// What the sources say about metric families.
#[derive(Debug, Default)]
pub(crate) struct MetadataStore {
    /// Per tenant and family; the description heard last comes last.
    families: BTreeMap<(Box<str>, Box<str>), Vec<MetricMetadata>>,
}

impl MetadataStore {
    /// Whether storing this would change anything.
    pub(crate) fn is_news(&self, tenant: &str, family: &str, metadata: &MetricMetadata) -> bool {
        match self.families.get(&(tenant.into(), family.into())) {
            Some(known) => !known.contains(metadata),
            None => self.families.len() < MAX_FAMILIES,
        }
    }

    /// Stores a description.
    pub(crate) fn put(&mut self, tenant: &str, family: &str, metadata: MetricMetadata) {
        let known = self.families.entry((tenant.into(), family.into())).or_default();
        if !known.contains(&metadata) {
            if known.len() >= MAX_PER_FAMILY {
                known.remove(0);
            }
            known.push(metadata);
        }
    }

    /// The descriptions of a tenant's families, sorted by family.
    pub(crate) fn of_tenant(&self, tenant: &str) -> impl Iterator<Item = (&str, &[MetricMetadata])> {
        let first = (Box::from(tenant), Box::from(""));
        self.families
            .range(first..)
            .take_while(move |((t, _), _)| t.as_ref() == tenant)
            .map(|((_, family), known)| (family.as_ref(), known.as_slice()))
    }

    /// All descriptions: tenant, family, description.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, &MetricMetadata)> {
        self.families
            .iter()
            .flat_map(|((tenant, family), known)| known.iter().map(|m| (tenant.as_ref(), family.as_ref(), m)))
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::MetricType;

    use super::*;

    fn metadata(help: &str) -> MetricMetadata {
        MetricMetadata { metric_type: MetricType::Counter, unit: String::new(), help: help.to_owned() }
    }

    #[test]
    fn each_description_once_and_not_too_many() {
        let mut store = MetadataStore::default();
        assert!(store.is_news("", "a", &metadata("x")));
        store.put("", "a", metadata("x"));
        assert!(!store.is_news("", "a", &metadata("x")));
        assert!(store.is_news("other", "a", &metadata("x")));
        store.put("other", "b", metadata("y"));
        for i in 0..20 {
            store.put("", "a", metadata(&i.to_string()));
        }
        let (family, known) = store.of_tenant("").next().expect("there");
        assert_eq!((family, known.len()), ("a", MAX_PER_FAMILY));
        assert_eq!(known[MAX_PER_FAMILY - 1], metadata("19"));
        assert_eq!(store.of_tenant("").count(), 1);
        assert_eq!(store.iter().count(), MAX_PER_FAMILY + 1);
    }
}
