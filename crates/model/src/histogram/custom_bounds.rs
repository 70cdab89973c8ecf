use std::sync::Arc;

/// The bounds that both sorted lists have; `None` if there is none.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Option<Arc<[f64]>> {
    let mut rest = b.iter().peekable();
    let mut common = Vec::with_capacity(a.len().min(b.len()));
    for bound in a {
        while rest.next_if(|x| *x < bound).is_some() {}
        if rest.next_if_eq(&bound).is_some() {
            common.push(*bound);
        }
    }
    (!common.is_empty()).then(|| common.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_both_have() {
        let check = |a: &[f64], b: &[f64], want: &[f64]| {
            assert_eq!(common_bounds(a, b).as_deref().unwrap_or(&[]), want);
            assert_eq!(common_bounds(b, a).as_deref().unwrap_or(&[]), want);
        };
        check(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0], &[2.0, 3.0]);
        check(&[1.0, 2.0], &[1.5], &[]);
        check(&[], &[1.5], &[]);
        check(&[-1.0, 0.0, 5.0], &[-1.0, 0.0, 5.0], &[-1.0, 0.0, 5.0]);
    }
}
