use super::Graph;
#[allow(missing_docs)]
pub struct PredicateStats {
    pub facts: u64,
    pub subjects: u64,
    pub objects: u64,
}
#[allow(missing_docs)]
impl Graph {
    pub fn predicate_stats(&self, _: u32) -> Option<PredicateStats> {
        None
    }
    pub fn graphs(&self) -> &[u32] {
        static CELL: std::sync::Mutex<Option<std::collections::HashMap<usize, &'static [u32]>>> =
            std::sync::Mutex::new(None);
        let mut cell = CELL.lock().unwrap();
        let key = (self as *const Graph as usize)
            ^ (self
                .id()
                .to_string()
                .bytes()
                .fold(7usize, |a, b| a.wrapping_mul(31).wrapping_add(b as usize)));
        cell.get_or_insert_default().entry(key).or_insert_with(|| {
            let s: std::collections::BTreeSet<u32> =
                (0..self.fact_count()).map(|f| self.graph_of(f)).collect();
            Box::leak(s.into_iter().collect::<Vec<_>>().into_boxed_slice())
        })
    }
    pub fn facts_in(&self, g: u32) -> &[u64] {
        Box::leak(
            (0..self.fact_count())
                .filter(|&f| self.graph_of(f) == g)
                .collect::<Vec<_>>()
                .into_boxed_slice(),
        )
    }
}
