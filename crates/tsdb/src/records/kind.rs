/// What a record is. Numbers that are reserved in the format are unknown to this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Series,
    Floats,
    FloatsWithStarts,
    Histograms,
    Exemplars,
    Metadata,
    Deletions,
    Continued,
    Late,
    CheckpointHead,
    CheckpointSeries,
    CheckpointEnd,
}

impl From<RecordKind> for u8 {
    fn from(kind: RecordKind) -> Self {
        match kind {
            RecordKind::Series => 1,
            RecordKind::Floats => 2,
            RecordKind::FloatsWithStarts => 3,
            RecordKind::Histograms => 4,
            RecordKind::Exemplars => 5,
            RecordKind::Metadata => 6,
            RecordKind::Deletions => 7,
            RecordKind::Continued => 8,
            RecordKind::Late => 11,
            RecordKind::CheckpointHead => 16,
            RecordKind::CheckpointSeries => 17,
            RecordKind::CheckpointEnd => 18,
        }
    }
}

/// A number that stands for no kind that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of record {0}; use the program that wrote it")]
pub(crate) struct UnknownKind(pub(crate) u8);

impl TryFrom<u8> for RecordKind {
    type Error = UnknownKind;

    fn try_from(tag: u8) -> Result<Self, UnknownKind> {
        Ok(match tag {
            1 => Self::Series,
            2 => Self::Floats,
            3 => Self::FloatsWithStarts,
            4 => Self::Histograms,
            5 => Self::Exemplars,
            6 => Self::Metadata,
            7 => Self::Deletions,
            8 => Self::Continued,
            11 => Self::Late,
            16 => Self::CheckpointHead,
            17 => Self::CheckpointSeries,
            18 => Self::CheckpointEnd,
            tag => return Err(UnknownKind(tag)),
        })
    }
}
