//! Why a statement stands.

use super::Snapshot;
use crate::graph::Proof;

impl Snapshot {
    /// Why a statement of encoded terms stands, down to what sources state: the proof that the build kept, under the
    /// changes since. `None` if it does not stand, or is virtual.
    ///
    /// Of a statement that is both stated and derived, only the former is told.
    pub fn prove(&self, triple: [&str; 3]) -> Option<Proof> {
        let dataset = self.dataset();
        let [Some(s), Some(p), Some(o)] = triple.map(|part| dataset.find(part)) else {
            return None;
        };
        self.graph.proof(&self.changes, [s, p, o])
    }
}
