//! What benches of single requests share: users drawn from a seed, and quantiles of times.

/// Prints a row of a table: the median, all but one of a hundred, and the largest of some milliseconds.
pub fn row(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let told = [0.5, 0.99, 1.0].map(|share| format!("{:.2}", at(share)));
    println!("| {name} | {} |", told.join(" | "));
}

/// A user from the seed (Knuth's multiplicative hashing).
pub fn drawn(seed: u64, request: usize, users: usize) -> u32 {
    let mixed = (seed + request as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) % users.max(1) as u64) as u32
}
