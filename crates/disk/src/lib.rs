//! The checksummed segmented log, atomic publishing and the directory lock.
