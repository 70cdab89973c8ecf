/// Adds `v` to the compensated sum `(sum, c)`, after Kahan and Neumaier: `c` collects what rounding takes from `sum`, and `sum + c` is
/// the result. A sum that has become infinite has no compensation.
#[inline]
pub fn kahan_add(v: f64, sum: f64, c: f64) -> (f64, f64) {
    let total = sum + v;
    // Choosing operands and not results lets loops over many sums do without branches.
    let (larger, smaller) = if sum.abs() >= v.abs() { (sum, v) } else { (v, sum) };
    let lost = (larger - total) + smaller;
    (total, if total.is_infinite() { 0.0 } else { c + lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_rounding_takes() {
        let add_all = |vals: &[f64]| {
            let (sum, c) = vals.iter().fold((0.0, 0.0), |(sum, c), v| kahan_add(*v, sum, c));
            sum + c
        };
        assert_eq!(add_all(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(add_all(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(add_all(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
