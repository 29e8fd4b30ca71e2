//! Sorting by numbers.

/// Sorts triples by predicate, subject and object.
pub(super) fn by_predicate(triples: &mut Vec<[u32; 3]>) {
    if !triples.is_sorted_by_key(|[s, p, o]| [*p, *s, *o]) {
        sort(triples, |&[s, _, o]| pair([s, o]));
        sort(triples, |&[_, p, _]| p.into());
    }
}

/// A number that orders pairs.
pub(super) fn pair([a, b]: [u32; 2]) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

/// Fewer items are sorted by comparing them.
const FEW: usize = 512;
/// Bits that are sorted by at a time: so many counters stay in the nearest cache.
const DIGIT: u32 = 10;

/// Sorts items by a number, those with the same number as they came. What is in order is only looked at; else items are
/// dealt out by some bits of the number at a time, from the last to the first, and bits that are the same in all cost
/// nothing.
pub(super) fn sort<T: Copy>(items: &mut Vec<T>, number: impl Fn(&T) -> u64) {
    if items.is_sorted_by_key(&number) {
        return;
    }
    if items.len() < FEW {
        return items.sort_by_key(number);
    }
    let first = number(&items[0]);
    let mut bits = items
        .iter()
        .fold(0, |bits, item| bits | (number(item) ^ first));
    let mut other = items.clone();
    while bits != 0 {
        let low = bits.trailing_zeros();
        let digit = |item: &T| (number(item) >> low) as usize & ((1 << DIGIT) - 1);
        deal(items, &mut other, digit);
        std::mem::swap(items, &mut other);
        bits &= u64::MAX.checked_shl(low + DIGIT).unwrap_or(0);
    }
}

fn deal<T: Copy>(from: &[T], to: &mut [T], digit: impl Fn(&T) -> usize) {
    let mut places = [0usize; 1 << DIGIT];
    for item in from {
        places[digit(item)] += 1;
    }
    let mut next = 0;
    for place in &mut places {
        next += std::mem::replace(place, next);
    }
    for item in from {
        let place = &mut places[digit(item)];
        to[*place] = *item;
        *place += 1;
    }
}
