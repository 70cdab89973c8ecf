const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line of `width` bars, each as high as the mean of the points in its slice of the time from `start_ms` to `end_ms`. Slices without
/// points stay blank; the smallest mean is the lowest bar.
pub(super) fn sparkline(points: &[(i64, f64)], start_ms: i64, end_ms: i64, width: usize) -> String {
    let means = slice_means(points, start_ms, end_ms, width);
    let finite = || means.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    means.iter().map(|mean| mean.map_or(' ', |mean| bar(mean, low, high))).collect()
}

fn bar(value: f64, low: f64, high: f64) -> char {
    if value.is_nan() {
        return ' ';
    }
    if value.is_infinite() {
        return if value > 0.0 { BARS[7] } else { BARS[0] };
    }
    // The difference of two large numbers may overflow, half of each may not.
    let range = high / 2.0 - low / 2.0;
    if range <= 0.0 {
        return BARS[3];
    }
    let share = (value / 2.0 - low / 2.0) / range;
    BARS[((share * 8.0) as usize).min(7)]
}

fn slice_means(points: &[(i64, f64)], start_ms: i64, end_ms: i64, width: usize) -> Vec<Option<f64>> {
    let mut slices = vec![(0.0, 0_u32); width];
    let (start, end) = (start_ms as f64, end_ms as f64);
    let range = (end - start).max(1.0);
    for (ts_ms, value) in points {
        let place = ((*ts_ms as f64 - start) / range * width as f64) as usize;
        if let Some((sum, count)) = slices.get_mut(place.min(width.saturating_sub(1)))
            && !value.is_nan()
        {
            *sum += value;
            *count += 1;
        }
    }
    slices.iter().map(|(sum, count)| (*count > 0).then(|| sum / f64::from(*count))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> String {
        let points: Vec<(i64, f64)> = values.iter().enumerate().map(|(i, v)| (i as i64 * 10, *v)).collect();
        let end = points.last().map_or(0, |p| p.0);
        sparkline(&points, 0, end, values.len())
    }

    #[test]
    fn bars_are_as_high_as_values() {
        assert_eq!(line(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&[5.0, 5.0, 5.0]), "▄▄▄");
        assert_eq!(line(&[-1.0, f64::NAN, 1.0]), "▁ █");
        assert_eq!(line(&[0.0, f64::INFINITY, 1.0, f64::NEG_INFINITY]), "▁██▁");
        assert_eq!(line(&[f64::MIN, 0.0, f64::MAX]), "▁▅█");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn slices_without_points_are_blank() {
        assert_eq!(sparkline(&[(0, 0.0), (90, 1.0)], 0, 100, 5), "▁   █");
        assert_eq!(sparkline(&[(0, 0.0), (10, 4.0), (60, 4.0)], 0, 100, 2), "▁█");
        assert_eq!(sparkline(&[(7, 1.0)], 7, 7, 1), "▄");
        assert_eq!(sparkline(&[(7, 1.0)], 7, 7, 0), "");
        assert_eq!(sparkline(&[(i64::MIN, 0.0), (i64::MAX, 1.0)], i64::MIN, i64::MAX, 3), "▁ █");
    }
}
