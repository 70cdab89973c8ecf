use crate::coding::DecodeError;

/// The byte that says how a column is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// 8 bytes per value.
    Raw,
    /// Floats that are decimal numbers, as scaled integers.
    Decimal,
    /// Floats by the integers that their bits are.
    Bits,
    /// The same float everywhere.
    Const,
    /// The same integer everywhere, as floats.
    ConstInt,
    /// Timestamps around a regular grid.
    Timestamps,
    /// Any integers.
    Integers,
    /// Native histograms.
    Histograms,
}

impl From<Codec> for u8 {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Raw => 0,
            Codec::Decimal => 1,
            Codec::Bits => 3,
            Codec::Const => 4,
            Codec::ConstInt => 5,
            Codec::Timestamps => 16,
            Codec::Integers => 17,
            Codec::Histograms => 32,
        }
    }
}

impl TryFrom<u8> for Codec {
    type Error = DecodeError;

    fn try_from(id: u8) -> Result<Self, DecodeError> {
        Ok(match id {
            0 => Self::Raw,
            1 => Self::Decimal,
            3 => Self::Bits,
            4 => Self::Const,
            5 => Self::ConstInt,
            16 => Self::Timestamps,
            17 => Self::Integers,
            32 => Self::Histograms,
            _ => return Err(DecodeError::new("unknown codec; a newer program wrote this")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let known = (0..=u8::MAX).filter_map(|id| Codec::try_from(id).ok().map(|codec| (id, codec)));
        let known: Vec<_> = known.collect();
        assert_eq!(known.len(), 8);
        for (id, codec) in known {
            assert_eq!(u8::from(codec), id);
        }
    }
}
