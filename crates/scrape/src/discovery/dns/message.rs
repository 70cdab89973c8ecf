//! DNS messages (RFC 1035), as far as asking for a few kinds of records needs them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER_LEN: usize = 12;
const FLAG_RESPONSE: u8 = 0x80;
const FLAG_TRUNCATED: u8 = 0x02;
const FLAG_RECURSION_DESIRED: u8 = 0x01;
const CLASS_IN: u16 = 1;
const TYPE_OPT: u16 = 41;
/// What we can take by UDP; larger answers come by TCP. The size avoids fragments (RFC 9715).
pub(super) const UDP_PAYLOAD: u16 = 1232;
/// Longest name, and the most pointers that one may follow: each label takes two bytes at least.
const MAX_NAME_LEN: usize = 255;
const MAX_POINTERS: usize = MAX_NAME_LEN / 2;

/// The kinds of records that can be asked for, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordType {
    A = 1,
    Ns = 2,
    Mx = 15,
    Aaaa = 28,
    Srv = 33,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Address(IpAddr),
    Srv { target: String, port: u16 },
    Mx(String),
    Ns(String),
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: ResponseCode,
    /// Records are missing, because they did not fit.
    pub(super) truncated: bool,
    /// The records of the wanted type.
    pub(super) records: Vec<Data>,
}

/// What became of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseCode {
    Success,
    /// The name does not exist.
    NameError,
    Other(u8),
}

/// The bytes are not the answer to our question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed DNS answer: {0}")]
pub(super) struct MalformedAnswer(&'static str);

/// A question for the records of a fully qualified name. `None` if the name cannot be asked for.
pub(super) fn question(id: u16, name: &str, record_type: RecordType, extended: bool) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(64);
    message.extend_from_slice(&id.to_be_bytes());
    message.extend_from_slice(&[FLAG_RECURSION_DESIRED, 0]);
    for count in [1, 0, 0, u16::from(extended)] {
        message.extend_from_slice(&count.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..=63).contains(len))?;
        message.push(len);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    if message.len() - HEADER_LEN > MAX_NAME_LEN {
        return None;
    }
    message.extend_from_slice(&(record_type as u16).to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    if extended {
        // The OPT record (RFC 6891): root name, type, payload size, no flags, no options.
        message.push(0);
        message.extend_from_slice(&TYPE_OPT.to_be_bytes());
        message.extend_from_slice(&UDP_PAYLOAD.to_be_bytes());
        message.extend_from_slice(&[0; 6]);
    }
    Some(message)
}

/// Reads the answer to the question that [`question`] wrote.
pub(super) fn answer(
    question: &[u8],
    record_type: RecordType,
    message: &[u8],
) -> Result<Answer, MalformedAnswer> {
    let mut reader = Reader { message, at: 0 };
    let header = reader.take(HEADER_LEN)?;
    if header[..2] != question[..2] || header[2] & FLAG_RESPONSE == 0 {
        return Err(MalformedAnswer("it answers another question"));
    }
    let code = match header[3] & 0x0f {
        0 => ResponseCode::Success,
        3 => ResponseCode::NameError,
        other => ResponseCode::Other(other),
    };
    let truncated = header[2] & FLAG_TRUNCATED != 0;
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let (n_questions, n_answers) = (count(4), count(6));
    for _ in 0..n_questions {
        let name_at = reader.at;
        reader.name()?;
        let rest = reader.take(4)?;
        // Names compare without regard to case; ours is written out without pointers.
        let asked = &question[HEADER_LEN..];
        let repeated = message.get(name_at..reader.at).unwrap_or_default();
        if asked.len() < repeated.len() || !asked[..repeated.len()].eq_ignore_ascii_case(repeated) {
            return Err(MalformedAnswer("it answers another question"));
        }
        debug_assert_eq!(rest.len(), 4);
    }
    let mut records = Vec::new();
    for _ in 0..n_answers {
        match reader.record(record_type) {
            Ok(record) => records.extend(record),
            // A truncated message may end anywhere.
            Err(_) if truncated => break,
            Err(e) => return Err(e),
        }
    }
    Ok(Answer { code, truncated, records })
}

struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> Reader<'m> {
    fn take(&mut self, len: usize) -> Result<&'m [u8], MalformedAnswer> {
        let taken = self.message.get(self.at..self.at + len).ok_or(MalformedAnswer("it ends early"))?;
        self.at += len;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, MalformedAnswer> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A name with a dot behind each label. Parts of it may stand elsewhere in the message.
    fn name(&mut self) -> Result<String, MalformedAnswer> {
        let mut name = String::new();
        let mut after = None;
        for _ in 0..MAX_POINTERS {
            let len = self.take(1)?[0];
            match len {
                0 => {
                    if let Some(after) = after {
                        self.at = after;
                    }
                    if name.is_empty() {
                        name.push('.');
                    }
                    return Ok(name);
                }
                1..=63 => {
                    let label = self.take(usize::from(len))?;
                    name.push_str(&String::from_utf8_lossy(label));
                    name.push('.');
                    if name.len() > 4 * MAX_NAME_LEN {
                        return Err(MalformedAnswer("a name is too long"));
                    }
                }
                0xc0..=0xff => {
                    let low = self.take(1)?[0];
                    after.get_or_insert(self.at);
                    self.at = (usize::from(len & 0x3f) << 8) | usize::from(low);
                }
                _ => return Err(MalformedAnswer("a name has an unknown kind of label")),
            }
        }
        Err(MalformedAnswer("a name has no end"))
    }

    /// The next record; `None` if it has another type, as the aliases on the way to an address have.
    fn record(&mut self, wanted: RecordType) -> Result<Option<Data>, MalformedAnswer> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.take(4)?;
        let len = usize::from(self.u16()?);
        let end = self.at + len;
        if end > self.message.len() {
            return Err(MalformedAnswer("it ends early"));
        }
        let data =
            if kind == wanted as u16 && class == CLASS_IN { Some(self.data(wanted, len)?) } else { None };
        self.at = end;
        Ok(data)
    }

    fn data(&mut self, record_type: RecordType, len: usize) -> Result<Data, MalformedAnswer> {
        let wrong_len = || MalformedAnswer("an address has the wrong length");
        Ok(match record_type {
            RecordType::A => {
                let bytes: [u8; 4] = self.take(len)?.try_into().map_err(|_| wrong_len())?;
                Data::Address(Ipv4Addr::from(bytes).into())
            }
            RecordType::Aaaa => {
                let bytes: [u8; 16] = self.take(len)?.try_into().map_err(|_| wrong_len())?;
                Data::Address(Ipv6Addr::from(bytes).into())
            }
            RecordType::Ns => Data::Ns(self.name()?),
            RecordType::Mx => {
                self.u16()?;
                Data::Mx(self.name()?)
            }
            RecordType::Srv => {
                self.take(4)?;
                let port = self.u16()?;
                Data::Srv { port, target: self.name()? }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer to `question` with these records: type and data of each.
    fn reply(question: &[u8], flags: [u8; 2], records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2..4].copy_from_slice(&flags);
        message[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
        message[10..12].copy_from_slice(&[0, 0]);
        for (kind, data) in records {
            // The name is a pointer to that of the question.
            message.extend_from_slice(&[0xc0, HEADER_LEN as u8]);
            message.extend_from_slice(&kind.to_be_bytes());
            message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
            message.extend_from_slice(&(data.len() as u16).to_be_bytes());
            message.extend_from_slice(data);
        }
        message
    }

    #[test]
    fn writes_questions() {
        let message = question(0x1234, "_http._tcp.a.test.", RecordType::Srv, true).expect("a name");
        assert_eq!(&message[..12], [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(&message[12..35], b"\x05_http\x04_tcp\x01a\x04test\0\0\x21\0\x01");
        assert_eq!(&message[35..], [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        assert_eq!(question(1, "a..test", RecordType::A, false), None);
        assert_eq!(question(1, &"x".repeat(64), RecordType::A, false), None);
        assert_eq!(question(1, &"x.".repeat(130), RecordType::A, false), None);
    }

    #[test]
    fn reads_answers() {
        let check = |record_type, records: &[(u16, &[u8])], want: &[Data]| {
            let question = question(7, "a.test", record_type, false).expect("a name");
            let answer = answer(&question, record_type, &reply(&question, [0x81, 0x80], records));
            let want = Answer { code: ResponseCode::Success, truncated: false, records: want.to_vec() };
            assert_eq!(answer, Ok(want));
        };
        let address = |text: &str| Data::Address(text.parse().expect("an address"));
        // The alias before the address is passed over.
        check(
            RecordType::A,
            &[(5, b"\x01b\xc0\x0e"), (1, &[10, 0, 0, 1]), (1, &[10, 0, 0, 2])],
            &[address("10.0.0.1"), address("10.0.0.2")],
        );
        check(RecordType::Aaaa, &[(28, &[0; 16])], &[address("::")]);
        check(
            RecordType::Srv,
            &[(33, b"\0\x01\0\x02\x23\x8c\x01h\xc0\x0e")],
            &[Data::Srv { target: "h.test.".into(), port: 9100 }],
        );
        check(RecordType::Mx, &[(15, b"\0\x0a\xc0\x0c")], &[Data::Mx("a.test.".into())]);
        check(RecordType::Ns, &[(2, b"\x02ns\0")], &[Data::Ns("ns.".into())]);
    }

    #[test]
    fn codes_and_truncation() {
        let question = question(7, "a.test", RecordType::A, false).expect("a name");
        let check = |flags, code, truncated| {
            let got = answer(&question, RecordType::A, &reply(&question, flags, &[])).expect("an answer");
            assert_eq!((got.code, got.truncated), (code, truncated));
        };
        check([0x81, 0x83], ResponseCode::NameError, false);
        check([0x81, 0x82], ResponseCode::Other(2), false);
        check([0x83, 0x80], ResponseCode::Success, true);
        let mut cut = reply(&question, [0x83, 0x80], &[(1, &[10, 0, 0, 1]), (1, &[10, 0, 0, 2])]);
        cut.truncate(cut.len() - 3);
        assert_eq!(answer(&question, RecordType::A, &cut).expect("cut").records.len(), 1);
    }

    #[test]
    fn refuses_what_is_no_answer() {
        let question = question(7, "a.test", RecordType::Ns, false).expect("a name");
        let check = |message: &[u8], want: &str| {
            let error = answer(&question, RecordType::Ns, message).expect_err(want);
            assert_eq!(error.to_string(), format!("malformed DNS answer: {want}"));
        };
        let good = reply(&question, [0x81, 0x80], &[]);
        let mut other_id = good.clone();
        other_id[1] = 8;
        check(&other_id, "it answers another question");
        check(&question, "it answers another question");
        let mut other_name = good.clone();
        other_name[13] = b'b';
        check(&other_name, "it answers another question");
        check(&good[..11], "it ends early");
        check(&reply(&question, [0x81, 0x80], &[(2, b"\xc0\x24")]), "a name has no end");
        check(&reply(&question, [0x81, 0x80], &[(2, b"\x40")]), "a name has an unknown kind of label");
    }

    proptest! {
        #[test]
        fn survives_anything(tail in proptest::collection::vec(any::<u8>(), 0..200), n in 0_u8..20) {
            let question = question(7, "a.test", RecordType::Srv, false).expect("a name");
            let mut message = reply(&question, [0x81, 0x80], &[]);
            message[7] = n;
            message.extend_from_slice(&tail);
            let _ = answer(&question, RecordType::Srv, &message);
        }
    }
}
