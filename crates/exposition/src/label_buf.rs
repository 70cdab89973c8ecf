/// Decoded labels in memory that the caller owns and reuses, so that reading a series allocates nothing once the buffer has grown.
#[derive(Debug, Clone, Default)]
pub struct LabelBuf {
    /// All names and values, one after the other.
    text: String,
    spans: Vec<Span>,
}

/// Where a label lies in the text: its name up to `name_end`, its value from there to `end`.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    name_end: usize,
    end: usize,
}

impl LabelBuf {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all labels and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// Appends a label.
    pub fn push(&mut self, name: &str, value: &str) {
        self.push_with(|text| text.push_str(name), |text, _| text.push_str(value));
    }

    /// Appends a label whose name and value are written by the caller. `write_value` also gets the position where the value starts; what
    /// stands before it must not be changed.
    pub(crate) fn push_with(
        &mut self,
        write_name: impl FnOnce(&mut String),
        write_value: impl FnOnce(&mut String, usize),
    ) {
        let start = self.text.len();
        write_name(&mut self.text);
        let name_end = self.text.len();
        write_value(&mut self.text, name_end);
        self.spans.push(Span { start, name_end, end: self.text.len() });
    }

    /// Removes the last label.
    pub(crate) fn pop(&mut self) {
        if let Some(span) = self.spans.pop() {
            self.text.truncate(span.start);
        }
    }

    /// Sorts the labels by the bytes of their names. Labels of the same name keep their order.
    pub fn sort(&mut self) {
        let text = self.text.as_bytes();
        self.spans.sort_by(|a, b| text[a.start..a.name_end].cmp(&text[b.start..b.name_end]));
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The label at `idx`: its name and its value.
    pub fn get(&self, idx: usize) -> Option<(&str, &str)> {
        self.spans.get(idx).map(|span| self.pair(*span))
    }

    /// The labels: pairs of name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.spans.iter().map(|span| self.pair(*span))
    }

    fn pair(&self, span: Span) -> (&str, &str) {
        (&self.text[span.start..span.name_end], &self.text[span.name_end..span.end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_and_sorts_labels() {
        let mut buf = LabelBuf::new();
        buf.push("b", "1");
        buf.push("a", "2");
        buf.push("b", "0");
        buf.push("c", "");
        buf.pop();
        buf.sort();
        assert_eq!(buf.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "1"), ("b", "0")]);
        assert_eq!(buf.get(0), Some(("a", "2")));
        assert_eq!(buf.get(3), None);
        buf.clear();
        assert!(buf.is_empty());
    }
}
