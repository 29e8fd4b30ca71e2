//! What follows from facts by rules, each conclusion with its proof.
//!
//! ```text
//! rule file ─ parse ─► rules ─ safety, strata ─► rule set ─┐
//!                                                          ├─ compile ─► engine: rounds ─► closure: derived facts, proofs,
//! stated facts, numbered ──────────────────────────────────┘             ▲ plan, join       contradictions
//! ```
//!
//! # What is a rule?
//!
//! A SPARQL `CONSTRUCT` query: analysts know how to write one, and can try it as a query. Its body has triples (a predicate
//! may be a variable), the paths `rdf:rest*` and `rdf:rest+`, `FILTER`, `BIND` and `FILTER NOT EXISTS`. In a rule file, a
//! comment names it, and comments below say what it means:
//!
//! ```text
//! # rule: same-director
//! # Films of one director are related.
//! CONSTRUCT { ?a schema:isRelatedTo ?b }
//! WHERE { ?a schema:director ?d . ?b schema:director ?d FILTER(!sameTerm(?a, ?b)) }
//! ```
//!
//! - A rule that concludes `?x kenning:contradicts ?y` finds what cannot be. That is reported with its proof, and is never
//!   among the facts.
//! - `?list kenning:every ?member` says something of every member of a list, which no path can; such a rule is made into one
//!   rule for each list (`every`).
//! - `NOT EXISTS` means: does not follow. Rules that could derive it run first; where the words of the rules do not tell, it
//!   is checked in the end that what was absent still is (`strata`).
//! - A `BIND` that makes terms of terms that were made, over and over, is an error after some steps
//!   ([`Limits::depth`]). Refusing every `BIND` on a circle of rules would refuse all of them beside rules such as
//!   `eq-rep-o`, which could lead from anything to anything; stopping without an error would give a closure that is none.
//! - As `CONSTRUCT` has it, a conclusion that is no RDF, such as a literal with a property, is left out.
//!
//! # How is the closure found?
//!
//! Facts are numbers, three a triple, sorted by predicate both ways (`facts`). A body is looked up part by part, that
//! with the fewest rows first (`plan`), which puts the few triples of a schema before the many of the data: of a new fact,
//! a rule such as `prp-dom` asks once for each predicate whether it has a domain. Rounds are semi-naive (`engine`), and
//! share rules and long scans out among threads. `owl:sameAs` has a short cut that finds the same (`equality`). Lists are
//! walked where they stand (`lists`).
//!
//! A proof is kept of each derived fact, the first that is found; of those found in the same round the one of the least
//! rule with the least premises. [`Rule::is_instance`] judges a step without any of the above.

mod change;
mod closure;
mod column;
mod compile;
mod datatypes;
mod derivable;
mod detours;
mod engine;
mod equality;
mod every;
mod expression;
mod facts;
mod found;
mod instance;
mod join;
mod lists;
mod made;
mod order;
mod parse;
mod plan;
mod proofs;
mod round;
mod rule;
mod safety;
mod set;
mod strata;
mod terms;
mod tested;
mod watch;

pub use closure::{Changed, Closure, Contradiction, Derived, Step};
pub use rule::Rule;
pub use set::RuleSet;
pub use terms::{Dictionary, Terms};
pub use watch::Limits;

/// What the IRIs of rules begin with.
pub const RULE: &str = "urn:kenning:rule:";

/// No term that a `BIND` makes has more bytes.
const LONGEST_TERM: usize = 1 << 20;
