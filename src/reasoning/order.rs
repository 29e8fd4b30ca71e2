//! Sorting by numbers.

/// Sorts triples by predicate, subject and object.
pub(super) fn by_predicate(triples: &mut [[u32; 3]]) {
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

/// Items from which on a second thread sorts, too.
const SHARE: usize = 1 << 14;

/// Sorts items by a number, those with the same number as they came. What is in order is only looked at; else each thread
/// deals a part out by some bits of the number at a time, from the last to the first, and bits that are the same in all
/// cost nothing; then the parts are merged.
pub(super) fn sort<T: Copy + Send + Sync>(items: &mut [T], number: impl Fn(&T) -> u64 + Sync) {
    sort_by(items, rayon::current_num_threads(), &number);
}

/// The same on this thread alone: where another may wait for the result, this one must not take up other work meanwhile.
pub(super) fn sort_alone<T: Copy + Send + Sync>(
    items: &mut [T],
    number: impl Fn(&T) -> u64 + Sync,
) {
    sort_by(items, 1, &number);
}

fn sort_by<T, N>(items: &mut [T], threads: usize, number: &N)
where
    T: Copy + Send + Sync,
    N: Fn(&T) -> u64 + Sync,
{
    if items.is_sorted_by_key(number) {
        return;
    }
    if items.len() < FEW {
        return items.sort_by_key(number);
    }
    let mut other = items.to_vec();
    sort_parts(items, &mut other, threads, number);
}

/// Sorts what several threads may sort, with as much room beside it.
fn sort_parts<T, N>(items: &mut [T], other: &mut [T], threads: usize, number: &N)
where
    T: Copy + Send + Sync,
    N: Fn(&T) -> u64 + Sync,
{
    if threads < 2 || items.len() < 2 * SHARE {
        return deal_out(items, other, number);
    }
    let half = items.len() / 2;
    let (low, high) = items.split_at_mut(half);
    let (left, right) = other.split_at_mut(half);
    let threads = threads.div_ceil(2);
    rayon::join(
        || sort_parts(low, left, threads, number),
        || sort_parts(high, right, threads, number),
    );
    other.copy_from_slice(items);
    merge(other.split_at(half), items, number);
}

fn merge<T: Copy>((low, high): (&[T], &[T]), to: &mut [T], number: impl Fn(&T) -> u64) {
    let (mut i, mut j) = (0, 0);
    for place in to {
        let is_low = j == high.len() || (i < low.len() && number(&low[i]) <= number(&high[j]));
        let (from, next) = if is_low {
            (low, &mut i)
        } else {
            (high, &mut j)
        };
        *place = from[*next];
        *next += 1;
    }
}

fn deal_out<T: Copy>(items: &mut [T], other: &mut [T], number: impl Fn(&T) -> u64) {
    let first = number(&items[0]);
    let mut bits = items
        .iter()
        .fold(0, |bits, item| bits | (number(item) ^ first));
    let (mut from, mut to) = (&mut *items, &mut *other);
    let mut moved = false;
    while bits != 0 {
        let low = bits.trailing_zeros();
        let digit = |item: &T| (number(item) >> low) as usize & ((1 << DIGIT) - 1);
        deal(from, to, digit);
        std::mem::swap(&mut from, &mut to);
        moved = !moved;
        bits &= u64::MAX.checked_shl(low + DIGIT).unwrap_or(0);
    }
    if moved {
        items.copy_from_slice(other);
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
