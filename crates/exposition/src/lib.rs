//! Readers and writers of the Prometheus text and OpenMetrics exposition formats.
