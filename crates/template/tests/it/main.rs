//! Templates as their users meet them: upstream's cases, and texts that nobody should write.

mod conformance;
mod hostile;
mod language;
