//! The Luhn key, shared by FINESS, SIRET and RPPS numbers.

/// The Luhn sum modulo 10 of digits, the key included: 0 when the key is right.
pub(crate) fn remainder(digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let weighed = u32::from(digit) * if place % 2 == 1 { 2 } else { 1 };
            weighed / 10 + weighed % 10
        })
        .sum();
    u8::try_from(sum % 10).expect("a remainder of ten is below ten")
}
