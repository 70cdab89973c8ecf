//! What stands between `%` and the verb: flags, width, precision, and the numbers of arguments.

use super::Spec;
use crate::value::Value;

/// Widths and precisions beyond this are cut: they come from the template.
const MAX_WIDTH: usize = 1000;
/// Widths and precisions among the arguments that Go does not take.
const TOO_LARGE: u64 = 1_000_000;

/// Reads a format and takes arguments for it.
pub(super) struct Reader<'a> {
    rest: &'a str,
    args: &'a [Value],
    /// The argument that comes next.
    next: usize,
    /// Whether the format says itself which arguments it takes, and so need not take all.
    is_numbered: bool,
}

/// A verb with everything before it.
pub(super) struct Directive<'a> {
    pub(super) spec: Spec,
    /// What is wrong with its width and precision, as Go writes it before the text.
    pub(super) complaint: String,
    /// `None` at the end of the format.
    pub(super) verb: Option<char>,
    /// The argument, unless its number is none, or there are no more.
    pub(super) arg: Result<&'a Value, &'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(format: &'a str, args: &'a [Value]) -> Self {
        Self { rest: format, args, next: 0, is_numbered: false }
    }

    /// The text up to the next `%`, and whether there is one.
    pub(super) fn text(&mut self) -> (&'a str, bool) {
        let (text, rest) = self.rest.split_once('%').map_or((self.rest, None), |(a, b)| (a, Some(b)));
        self.rest = rest.unwrap_or_default();
        (text, rest.is_some())
    }

    /// What is behind a `%`.
    pub(super) fn directive(&mut self) -> Directive<'a> {
        let (mut spec, mut complaint, mut is_good) = (self.flags(), String::new(), true);
        let mut is_indexed = self.index(&mut is_good);
        if self.eat('*') {
            match self.int_arg() {
                Some(n) => {
                    spec.width = Some((n.unsigned_abs() as usize).min(MAX_WIDTH));
                    spec.minus |= n < 0;
                }
                None => complaint.push_str("%!(BADWIDTH)"),
            }
            is_indexed = false;
        } else {
            spec.width = self.digits();
            is_good &= !(is_indexed && spec.width.is_some());
        }
        if self.eat('.') {
            is_good &= !is_indexed;
            is_indexed = self.index(&mut is_good);
            if self.eat('*') {
                spec.precision =
                    self.int_arg().and_then(|n| usize::try_from(n).ok()).map(|n| n.min(MAX_WIDTH));
                if spec.precision.is_none() {
                    complaint.push_str("%!(BADPREC)");
                }
                is_indexed = false;
            } else {
                spec.precision = Some(self.digits().unwrap_or(0));
            }
        }
        if !is_indexed {
            self.index(&mut is_good);
        }
        let verb = self.rest.chars().next();
        self.rest = verb.map_or("", |verb| &self.rest[verb.len_utf8()..]);
        let arg = match self.args.get(self.next) {
            _ if !is_good => Err("BADINDEX"),
            Some(arg) => {
                // A percent sign takes none.
                self.next += usize::from(!matches!(verb, None | Some('%')));
                Ok(arg)
            }
            None => Err("MISSING"),
        };
        Directive { spec, complaint, verb, arg }
    }

    /// The arguments that the format should have taken and has not.
    pub(super) fn extra(&self) -> &'a [Value] {
        if self.is_numbered { &[] } else { self.args.get(self.next..).unwrap_or_default() }
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        loop {
            match self.rest.as_bytes().first() {
                Some(b'-') => spec.minus = true,
                Some(b'+') => spec.plus = true,
                Some(b'0') => spec.zero = true,
                Some(b' ') => spec.space = true,
                Some(b'#') => spec.sharp = true,
                _ => return spec,
            }
            self.rest = &self.rest[1..];
        }
    }

    /// Takes `[3]`, which makes the third argument the next one. Returns whether there was a number; `is_good` becomes false if it is that of no argument.
    fn index(&mut self, is_good: &mut bool) -> bool {
        let Some(behind) = self.rest.strip_prefix('[') else { return false };
        self.is_numbered = true;
        let Some((number, rest)) = behind.split_once(']') else {
            *is_good = false;
            self.rest = behind;
            return false;
        };
        self.rest = rest;
        let number =
            if number.bytes().all(|b| b.is_ascii_digit()) { number.parse::<usize>().ok() } else { None };
        match number.and_then(|number| number.checked_sub(1)).filter(|idx| *idx < self.args.len()) {
            Some(idx) => self.next = idx,
            None => *is_good = false,
        }
        number.is_some()
    }

    fn digits(&mut self) -> Option<usize> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        // What is too large for a number is cut as well.
        (len > 0).then(|| digits.parse().unwrap_or(MAX_WIDTH).min(MAX_WIDTH))
    }

    /// The next argument as a width or precision.
    fn int_arg(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let n = match arg {
            Value::Int(n) => *n,
            Value::Uint(n) => i64::try_from(*n).ok()?,
            _ => return None,
        };
        (n.unsigned_abs() <= TOO_LARGE).then_some(n)
    }
}
