//! How large an answer may become.

use axum::response::Response;
use bellwether_model::{MemoryReservation, QueryContext};
use bytes::Bytes;
use http::StatusCode;

use crate::envelope::{self, Notes};
use crate::error::{ApiError, ErrorKind};

/// How many bytes are written between two looks at whether the query may go on.
const CHECK_INTERVAL_BYTES: usize = 1 << 20;

/// The text of an answer while it is written: bounded, and part of the memory that its query may use.
#[derive(Debug)]
pub(crate) struct Answer<'q> {
    text: String,
    max_bytes: usize,
    cx: &'q QueryContext,
    /// For what the text has set aside.
    memory: MemoryReservation,
    reserved_bytes: usize,
    checked_at: usize,
}

impl<'q> Answer<'q> {
    /// A text of at most about `max_bytes`.
    pub(crate) fn new(max_bytes: usize, cx: &'q QueryContext) -> Result<Self, ApiError> {
        let memory = cx.reserve(0)?;
        Ok(Self { text: String::new(), max_bytes, cx, memory, reserved_bytes: 0, checked_at: 0 })
    }

    /// The beginning of a successful answer of the API, up to its data.
    pub(crate) fn success(max_bytes: usize, cx: &'q QueryContext) -> Result<Self, ApiError> {
        let mut answer = Self::new(max_bytes, cx)?;
        answer.text.push_str(envelope::SUCCESS);
        Ok(answer)
    }

    /// Where small pieces are appended; whoever appends many asks [`check`](Self::check) between them.
    pub(crate) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// The answer that began with [`success`](Self::success). What it takes stays set aside until the client has taken it: slow clients of large
    /// answers would otherwise fill the memory long after their queries are done.
    pub(crate) fn finish_success(mut self, notes: &Notes) -> Response {
        envelope::end_success(&mut self.text, notes);
        let held = HeldText { text: self.text, _memory: self.memory };
        envelope::json(StatusCode::OK, Bytes::from_owner(held))
    }

    /// Whether more may be appended. Room for it is set aside before, so that the limit holds for the memory, too.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        let len = self.text.len();
        if len > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        if len - self.checked_at >= CHECK_INTERVAL_BYTES {
            self.checked_at = len;
            self.cx.check()?;
        }
        if self.text.capacity() - len < 4 << 10 {
            let wanted = (2 * self.text.capacity()).clamp(8 << 10, self.max_bytes.saturating_add(8 << 10));
            if wanted > self.reserved_bytes {
                let copying = self.memory.copying()?;
                self.memory.grow(wanted - self.reserved_bytes)?;
                self.reserved_bytes = wanted;
                self.text.reserve_exact(wanted.saturating_sub(len));
                drop(copying);
            }
        }
        Ok(())
    }

    /// Appends an array; `write` appends one element.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        self.text.push('[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            self.check()?;
            write(self, item)?;
        }
        self.text.push(']');
        self.check()
    }

    /// Appends an array whose elements are small.
    pub(crate) fn small_list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut String, T),
    ) -> Result<(), ApiError> {
        self.list(items, |answer, item| {
            write(&mut answer.text, item);
            Ok(())
        })
    }
}

/// The text of an answer with the memory that is set aside for it.
struct HeldText {
    text: String,
    _memory: MemoryReservation,
}

impl AsRef<[u8]> for HeldText {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// The refusal of an answer with more than `max_bytes`.
pub(crate) fn too_large(max_bytes: usize) -> ApiError {
    let message = format!(
        "the result exceeds the limit of {max_bytes} bytes (--query.max-result-size); ask for fewer series or a larger step"
    );
    ApiError { kind: ErrorKind::Execution, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_bounded_in_length_and_memory() {
        let cx = QueryContext::new(None, usize::MAX);
        let mut answer = Answer::new(100_000, &cx).expect("room");
        let error =
            answer.small_list(0..1_000_000, |out, _| out.push_str("123456789")).expect_err("too long");
        assert_eq!(
            error.message,
            "the result exceeds the limit of 100000 bytes (--query.max-result-size); ask for fewer series or a larger step"
        );
        let text = answer.text();
        assert!((100_000..100_020).contains(&text.len()), "{}", text.len());
        assert!(text.capacity() <= 110_000, "{}", text.capacity());
        let response = answer.finish_success(&Notes::default());
        assert!(cx.reserved_bytes() >= 100_000, "a client takes the answer");
        drop(response);
        assert_eq!(cx.reserved_bytes(), 0);

        let small = QueryContext::new(None, 50_000);
        let mut answer = Answer::new(100_000, &small).expect("room");
        let error = answer.small_list(0..1_000_000, |out, _| out.push('1')).expect_err("too much memory");
        assert_eq!(
            error.message,
            "query would use more than 50000 bytes of memory (--query.max-memory-per-query); ask for fewer series, a shorter time or a larger step"
        );
    }

    #[test]
    fn writing_stops_when_the_query_is_cancelled() {
        let cx = QueryContext::unbounded();
        let mut answer = Answer::new(usize::MAX, &cx).expect("room");
        cx.cancel();
        let error = answer.small_list(0.., |out, _: u64| out.push_str("123456789")).expect_err("cancelled");
        assert_eq!(error.kind, ErrorKind::Canceled);
    }
}
