//! Scripts that load samples, run queries and say what must come out, in the language of `promtool`'s engine tests; and the in-memory store that they run against.
