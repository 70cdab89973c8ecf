//! YAML documents with positions, decoded with precise errors.
