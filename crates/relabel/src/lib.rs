//! Relabelling rules: reading, checking and applying them.
