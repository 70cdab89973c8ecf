use bellwether_model::{AnchoredRegex, RegexError};

/// What silences must be like.
#[derive(Debug, Clone)]
pub struct SilencePolicy {
    /// So many of them, those that are over included.
    pub max_count: usize,
    /// Bytes of one, at most.
    pub max_bytes: usize,
    /// How long one lasts at most, in milliseconds; `None` for as long as anybody likes.
    pub max_duration_ms: Option<i64>,
    /// What must be found in the comment, such as the number of a ticket.
    pub comment: Option<CommentPattern>,
}

impl Default for SilencePolicy {
    fn default() -> Self {
        Self { max_count: 100_000, max_bytes: 64 << 10, max_duration_ms: None, comment: None }
    }
}

/// A regular expression that is found somewhere in a text.
#[derive(Debug, Clone)]
pub struct CommentPattern {
    written: String,
    regex: AnchoredRegex,
}

impl CommentPattern {
    /// Reads a regular expression.
    pub fn new(written: &str) -> Result<Self, RegexError> {
        // As it is first: an error then shows what was written.
        AnchoredRegex::new(written)?;
        let regex = AnchoredRegex::new(&format!("(?s:.*)(?:{written})(?s:.*)"))?;
        Ok(Self { written: written.to_owned(), regex })
    }

    /// What was read.
    pub(super) fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether it is found in a text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
