//! Findings made smaller: bytes are left out, and made zero, as long as the case ends in the same way.
//!
//! That is enough for programs, whose statements change one function each, see [`crate::generator`].
//! Each attempt is judged in a process of its own, as code that is wrong may do anything.

use crate::Oracle;
use crate::child::{self, End};
use std::time::{Duration, Instant};

/// How long a case may take. It takes milliseconds.
pub const SECONDS: u32 = 20;

/// How the judgement of a case ends, or nothing if the bytes are no case.
fn end<O: Oracle>(bytes: &[u8]) -> Option<End> {
    let case = O::case(bytes).ok()?;
    Some(child::run(SECONDS, || {
        O::check(&case);
    }))
}

/// The smallest case that was found in the time and is a finding as this one is; nothing if this is none.
pub fn reduce<O: Oracle>(bytes: &[u8], time: Duration) -> Option<Vec<u8>> {
    let want = end::<O>(bytes).filter(|end| *end != End::Returned)?;
    Some(reduce_while(bytes, time, |bytes| {
        end::<O>(bytes) == Some(want)
    }))
}

/// The smallest bytes that were found in the time and are a finding, as these are.
pub fn reduce_while(bytes: &[u8], time: Duration, is_finding: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let start = Instant::now();
    let is_over = || start.elapsed() >= time;
    let mut best = bytes.to_vec();
    loop {
        let before = best.clone();
        leave_out(&mut best, &is_finding, is_over);
        make_zero(&mut best, &is_finding, is_over);
        if is_over() || best == before {
            return best;
        }
    }
}

/// Leaves out what it can, half of the bytes at first, then less.
fn leave_out(bytes: &mut Vec<u8>, is_finding: impl Fn(&[u8]) -> bool, is_over: impl Fn() -> bool) {
    let mut size = (bytes.len() / 2).next_power_of_two();
    while size > 0 {
        // From the end, and in the places where statements of a program are.
        let mut at = match bytes.len() {
            0 => return,
            length => (length - 1) / size * size + 1,
        };
        while at > 0 && !is_over() {
            let end = bytes.len().min(at + size);
            if at < end {
                let shorter = [&bytes[..at], &bytes[end..]].concat();
                if is_finding(&shorter) {
                    *bytes = shorter;
                }
            }
            at = at.saturating_sub(size);
        }
        size /= 2;
    }
    if !is_over() && is_finding(&bytes[1..]) {
        bytes.remove(0);
    }
}

/// Makes bytes zero where it can, eight at first, then each.
fn make_zero(bytes: &mut [u8], is_finding: impl Fn(&[u8]) -> bool, is_over: impl Fn() -> bool) {
    for size in [8, 1] {
        for start in (0..bytes.len()).step_by(size) {
            let range = start..bytes.len().min(start + size);
            if is_over() || bytes[range.clone()].iter().all(|byte| *byte == 0) {
                continue;
            }
            let old = bytes[range.clone()].to_vec();
            bytes[range.clone()].fill(0);
            if !is_finding(bytes) {
                bytes[range].copy_from_slice(&old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use arbitrary::{Arbitrary, Unstructured};

    /// All bytes as they are.
    #[derive(Debug)]
    struct Bytes(Vec<u8>);

    impl<'a> Arbitrary<'a> for Bytes {
        fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
            Vec::arbitrary(input).map(Bytes)
        }

        fn arbitrary_take_rest(input: Unstructured<'a>) -> arbitrary::Result<Self> {
            Ok(Bytes(input.take_rest().to_vec()))
        }
    }

    /// Dislikes 7 somewhere before 9, and even more a 100, and is ended by a 200.
    struct Picky;

    impl Oracle for Picky {
        const NAME: &'static str = "picky";
        type Case = Bytes;

        fn check(Bytes(case): &Bytes) -> Verdict {
            if case.contains(&200) {
                std::process::abort();
            }
            assert!(!case.contains(&100));
            let seven = case.iter().position(|byte| *byte == 7);
            let nine = case.iter().rposition(|byte| *byte == 9);
            assert!(seven >= nine || seven.is_none() || nine.is_none());
            Verdict::Passed
        }
    }

    const TIME: Duration = Duration::from_secs(60);

    #[test]
    fn what_matters_is_left() {
        let mut bytes: Vec<u8> = (10..30).collect();
        assert_eq!(reduce::<Picky>(&bytes, TIME), None);
        bytes[5] = 7;
        bytes[15] = 9;
        assert_eq!(reduce::<Picky>(&bytes, TIME), Some(vec![7, 9]));
        // Not the other findings.
        bytes[10] = 100;
        assert_eq!(reduce::<Picky>(&bytes, TIME), Some(vec![100]));
        bytes[10] = 200;
        assert_eq!(reduce::<Picky>(&bytes, TIME), Some(vec![200]));
    }

    #[test]
    fn in_no_time_a_case_stays_as_it_is() {
        let bytes = [1, 7, 2, 9];
        let got = reduce::<Picky>(&bytes, Duration::ZERO);
        assert_eq!(got.as_deref(), Some(&bytes[..]));
    }
}
