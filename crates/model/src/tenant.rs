use std::fmt;
use std::sync::Arc;

/// Whose data it is. A single-tenant server uses the default, whose name is empty.
///
/// Every contract carries a tenant from the first day, because adding one later would touch each signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// The tenant of that name.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name; empty for the default tenant.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
