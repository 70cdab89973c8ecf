use super::frame::{self, MAX_FRAME_BYTES};

/// All frames of a group together have at most this many bytes, so that a group fits into a segment.
const MAX_GROUP_BYTES: usize = 64 << 20;

/// Why a frame could not be added to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload is too long.
    #[error("frame of {len} bytes exceeds the {MAX_FRAME_BYTES} bytes a frame may have")]
    FrameTooLarge {
        /// Length of the payload in bytes.
        len: usize,
    },
    /// The group is too long.
    #[error("group of {len} bytes exceeds the {MAX_GROUP_BYTES} bytes a group may have")]
    GroupTooLarge {
        /// Length of the group with the new frame in bytes.
        len: usize,
    },
}

/// Frames that are written together: they get consecutive sequence numbers and stand in one segment.
#[derive(Debug, Default)]
pub struct Group {
    pub(super) bytes: Vec<u8>,
    frames: u64,
}

impl Group {
    /// A group without frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// A group without frames that uses the memory of an earlier one.
    pub(super) fn reuse(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, frames: 0 }
    }

    /// Adds a frame whose payload is what `fill` appends. If the frame is too long, the group is as before.
    pub fn frame(
        &mut self,
        codec: u8,
        shard: u16,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), FrameError> {
        let start = frame::begin(&mut self.bytes);
        let payload_start = self.bytes.len();
        fill(&mut self.bytes);
        let len = self.bytes.len() - payload_start;
        let result = if len > MAX_FRAME_BYTES {
            Err(FrameError::FrameTooLarge { len })
        } else if self.bytes.len() > MAX_GROUP_BYTES {
            Err(FrameError::GroupTooLarge { len: self.bytes.len() })
        } else {
            Ok(())
        };
        if result.is_err() {
            self.bytes.truncate(start);
        } else {
            frame::end(&mut self.bytes, start, codec, shard);
            self.frames += 1;
        }
        result
    }

    /// How many frames there are.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Length of all frames in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Removes the frames and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_frames_that_are_too_long() {
        let mut group = Group::new();
        group.frame(0, 0, |out| out.push(1)).expect("short");
        let before = group.bytes.clone();
        let err = group.frame(0, 0, |out| out.resize(out.len() + MAX_FRAME_BYTES + 1, 0));
        assert_eq!(err, Err(FrameError::FrameTooLarge { len: MAX_FRAME_BYTES + 1 }));
        assert_eq!((group.bytes.as_slice(), group.frames()), (before.as_slice(), 1));
        for _ in 0..3 {
            group.frame(0, 0, |out| out.resize(out.len() + MAX_FRAME_BYTES, 0)).expect("fits");
        }
        let err = group.frame(0, 0, |out| out.resize(out.len() + MAX_FRAME_BYTES, 0));
        assert!(matches!(err, Err(FrameError::GroupTooLarge { .. })), "{err:?}");
        assert_eq!(group.frames(), 4);
    }
}
