//! IRIs of `ontologies/kenning.ttl` and of the standards that it builds on.

mod serializer;

pub use serializer::serializer;

/// The namespace of Kenning's own terms.
pub const KENNING: &str = "https://w3id.org/kenning#";

/// The namespace of the Shapes Constraint Language.
pub const SHACL: &str = "http://www.w3.org/ns/shacl#";

/// IRIs of the reifiers of edges, before the number of the edge.
pub const EDGE: &str = "urn:kenning:edge:";

/// IRIs of events, before their number.
pub const EVENT: &str = "urn:kenning:event:";

/// IRIs of decisions, before their names in the journal.
pub const DECISION: &str = "urn:kenning:decision:";

/// IRIs of prompts, before their hash.
pub const PROMPT: &str = "urn:kenning:prompt:";

/// IRIs of snapshots, before their hash.
pub const SNAPSHOT: &str = "urn:kenning:snapshot:";

/// Prefixes that every query may use without declaring them; also those of mapping files.
pub const PREFIXES: &[(&str, &str)] = &[
    ("kenning", KENNING),
    ("schema", "https://schema.org/"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("void", "http://rdfs.org/ns/void#"),
    ("sh", SHACL),
    ("dbo", "http://dbpedia.org/ontology/"),
];

/// Writes out `prefix:name` as an IRI; anything with a known scheme or an unknown prefix comes back as it is.
pub fn expand(name: &str) -> String {
    if let Some((prefix, local)) = name.split_once(':')
        && let Some((_, namespace)) = PREFIXES.iter().find(|(known, _)| *known == prefix)
    {
        return format!("{namespace}{local}");
    }
    name.to_owned()
}

/// Shortens an IRI to `prefix:name` where a prefix fits and the name stays readable.
pub fn shorten(iri: &str) -> String {
    for (prefix, namespace) in PREFIXES {
        if let Some(local) = iri.strip_prefix(namespace)
            && !local.contains(['/', '#'])
        {
            return format!("{prefix}:{local}");
        }
    }
    iri.to_owned()
}

/// What weights say of a property: under its IRI or, where that is not named, under its short name.
pub fn weight_of(weights: &std::collections::BTreeMap<String, f32>, iri: &str) -> Option<f32> {
    let own = weights.get(iri).or_else(|| weights.get(&shorten(iri)));
    own.copied()
}

macro_rules! terms {
    ($($(#[$doc:meta])* $name:ident = $namespace:literal $local:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = concat!($namespace, $local);)*
    };
}

/// Kenning's own terms.
pub mod kenning {
    terms! {
        /// `?user kenning:interacted ?item`: virtual, one for each distinct pair.
        INTERACTED = "https://w3id.org/kenning#" "interacted";
        /// Item to item: the second follows the first within a window of events of one user.
        FOLLOWED_BY = "https://w3id.org/kenning#" "followedBy";
        /// Item to item: both in one basket.
        BOUGHT_WITH = "https://w3id.org/kenning#" "boughtWith";
        /// Item to item: the same users met both.
        CO_OCCURS_WITH = "https://w3id.org/kenning#" "coOccursWith";
        /// Item to item: their texts are close.
        SIMILAR_TO = "https://w3id.org/kenning#" "similarTo";
        /// Item to item: the first speaks for the second, all else of a history being equal.
        GOES_WITH = "https://w3id.org/kenning#" "goesWith";
        /// Class of users.
        USER = "https://w3id.org/kenning#" "User";
        /// Class of items.
        ITEM = "https://w3id.org/kenning#" "Item";
        /// How sure a source is of a fact, 0 to 1.
        CONFIDENCE = "https://w3id.org/kenning#" "confidence";
        /// Line of the source that says the fact.
        LINE = "https://w3id.org/kenning#" "line";
        /// How many events or records carry the fact.
        SUPPORT = "https://w3id.org/kenning#" "support";
        /// Strength of an item-item link, or of what a search found.
        SCORE = "https://w3id.org/kenning#" "score";
        /// Place among what a search found, from 1.
        RANK = "https://w3id.org/kenning#" "rank";
        /// Node to node, computed when it is asked for: their texts are the closest.
        NEAREST = "https://w3id.org/kenning#" "nearest";
        /// User to item, computed when it is asked for: what the scorer ranks highest.
        RECOMMENDS = "https://w3id.org/kenning#" "recommends";
        /// Node to words, computed when it is asked for: its labels and descriptions have them.
        MATCHES = "https://w3id.org/kenning#" "matches";
        /// Function: the number of triples and interactions at a node.
        DEGREE = "https://w3id.org/kenning#" "degree";
        /// Function: the PageRank of a node.
        PAGE_RANK = "https://w3id.org/kenning#" "pageRank";
        /// Class of single events; virtual.
        EVENT = "https://w3id.org/kenning#" "Event";
        /// Who an event is of; virtual.
        EVENT_USER = "https://w3id.org/kenning#" "user";
        /// What an event is with; virtual.
        EVENT_ITEM = "https://w3id.org/kenning#" "item";
        /// Rating or quantity of an event; virtual.
        WEIGHT = "https://w3id.org/kenning#" "weight";
        /// The number of the basket that an event is in; virtual.
        BASKET = "https://w3id.org/kenning#" "basket";
        /// From the reifier of a derived statement to the rule that derived it; virtual.
        DERIVED_BY = "https://w3id.org/kenning#" "derivedBy";
        /// Class of rules.
        RULE = "https://w3id.org/kenning#" "Rule";
        /// The SPARQL `CONSTRUCT` query that a rule is.
        CONSTRUCT = "https://w3id.org/kenning#" "construct";
        /// What the IRIs of rules begin with.
        RULES = "urn:kenning:" "rule:";
        /// The computation that applies rules.
        REASONING = "urn:kenning:run:" "reasoning";
        /// Class of computations.
        RUN = "https://w3id.org/kenning#" "Run";
        /// How a relation is said in a sentence, between an item and a value.
        PHRASE = "https://w3id.org/kenning#" "phrase";
        /// Named graph of the interactions.
        INTERACTIONS = "https://w3id.org/kenning#" "interactions";
        /// Named graph of the item-item links.
        LINKS = "https://w3id.org/kenning#" "links";
        /// Named graph of what an update stated without a graph name.
        DEFAULT_GRAPH = "urn:kenning:graph:" "default";
        /// Which property a SKOS scheme's concepts are facts of, when found in text.
        EXTRACTS = "https://w3id.org/kenning#" "extracts";
        /// Whether a text has at most one concept of a SKOS scheme: the head of its description.
        HEAD_NOUN = "https://w3id.org/kenning#" "headNoun";
        /// A word that begins a phrase in which no head is sought.
        OPENS_MODIFIER = "https://w3id.org/kenning#" "opensModifier";
        /// The property whose heads a SKOS scheme leaves shared labels to.
        YIELDS_TO = "https://w3id.org/kenning#" "yieldsTo";
        /// A label that counts only where the text has no stronger one of the property.
        WEAK_LABEL = "https://w3id.org/kenning#" "weakLabel";
        /// How numbers stand in texts, and which properties they are of.
        PATTERN = "https://w3id.org/kenning#" "pattern";
        /// The name by which patterns call for a label of a SKOS scheme.
        PLACEHOLDER = "https://w3id.org/kenning#" "placeholder";
        /// Whether a language model is asked for values of a property.
        ASKED = "https://w3id.org/kenning#" "asked";
        /// Class of SKOS schemes of aspects that opinions are about.
        ASPECT_SCHEME = "https://w3id.org/kenning#" "AspectScheme";
        /// How good a word is: from -1 to 1.
        POLARITY = "https://w3id.org/kenning#" "polarity";
        /// What a word makes of the polarity of an opinion after it: `not` turns it round, `very` adds to it.
        FACTOR = "https://w3id.org/kenning#" "factor";
        /// Words that part a sentence into clauses of which the second outweighs the first.
        CONTRAST = "https://w3id.org/kenning#" "contrast";
        /// From a thing to an aspect that somebody finds good.
        PRAISED_FOR = "https://w3id.org/kenning#" "praisedFor";
        /// From a thing to an aspect that somebody finds bad.
        CRITICISED_FOR = "https://w3id.org/kenning#" "criticisedFor";
        /// From a person to an aspect that they find good of something.
        PRAISES = "https://w3id.org/kenning#" "praises";
        /// From a person to an aspect that they find bad of something.
        CRITICISES = "https://w3id.org/kenning#" "criticises";
        /// Of how many pieces what is sold consists.
        PIECES = "https://w3id.org/kenning#" "pieces";
        /// What a rule concludes that finds a contradiction; never a fact.
        CONTRADICTS = "https://w3id.org/kenning#" "contradicts";
        /// In a rule, list to member: the patterns with the member hold for each.
        EVERY = "https://w3id.org/kenning#" "every";
        /// In a rule: the first variable, of one member of a list, is the second of the next.
        NEXT = "https://w3id.org/kenning#" "next";
        /// Function: whether what a literal stands for is in a datatype.
        IN_DATATYPE = "https://w3id.org/kenning#" "inDatatype";
        /// Function: whether two literals are known to stand for different values.
        DIFFERS_FROM = "https://w3id.org/kenning#" "differsFrom";
        /// Function: whether a literal is none of its own datatype.
        ILL_TYPED = "https://w3id.org/kenning#" "illTyped";
        /// Named graph of the decisions; virtual.
        DECISIONS = "https://w3id.org/kenning#" "decisions";
        /// Class of answered requests; virtual.
        DECISION = "https://w3id.org/kenning#" "Decision";
        /// Class of items at a place of an answer; virtual.
        EXPOSURE = "https://w3id.org/kenning#" "Exposure";
        /// Class of what a policy took out of an answer; virtual.
        VIOLATION = "https://w3id.org/kenning#" "Violation";
        /// From a decision to an item at a place of its answer; virtual.
        EXPOSED = "https://w3id.org/kenning#" "exposed";
        /// From a decision to an item that was ranked; virtual.
        CANDIDATE = "https://w3id.org/kenning#" "candidate";
        /// The request of a decision, as JSON; virtual.
        REQUEST = "https://w3id.org/kenning#" "request";
        /// Which step of the ladder answered; virtual.
        RUNG = "https://w3id.org/kenning#" "rung";
        /// The model whose reply counted; virtual.
        MODEL = "https://w3id.org/kenning#" "model";
        /// The prompt of a decision; virtual.
        PROMPT = "https://w3id.org/kenning#" "prompt";
        /// Tokens that the model was fed; virtual.
        PROMPT_TOKENS = "https://w3id.org/kenning#" "promptTokens";
        /// Tokens that the model said; virtual.
        COMPLETION_TOKENS = "https://w3id.org/kenning#" "completionTokens";
        /// What the model's tokens cost; virtual.
        COST = "https://w3id.org/kenning#" "cost";
        /// What went wrong on the way to an answer; virtual.
        FAILURE = "https://w3id.org/kenning#" "failure";
        /// From an exposure to a fact that its shown reasons rest on; virtual.
        EVIDENCE = "https://w3id.org/kenning#" "evidence";
        /// From a decision to a fact that its prompt told; virtual.
        PROMPT_EVIDENCE = "https://w3id.org/kenning#" "promptEvidence";
        /// Number of claims that a source states; virtual.
        CLAIMS_VERIFIED = "https://w3id.org/kenning#" "claimsVerified";
        /// Number of claims that counts bear out; virtual.
        CLAIMS_AGGREGATE = "https://w3id.org/kenning#" "claimsAggregate";
        /// Number of claims that a computation concluded; virtual.
        CLAIMS_INFERRED = "https://w3id.org/kenning#" "claimsInferred";
        /// Number of claims that nothing bears out; virtual.
        CLAIMS_UNSUPPORTED = "https://w3id.org/kenning#" "claimsUnsupported";
        /// Number of claims that the graph contradicts; virtual.
        CLAIMS_CONTRADICTED = "https://w3id.org/kenning#" "claimsContradicted";
        /// What became of an exposed item: "accepted" or "rejected"; virtual.
        OUTCOME = "https://w3id.org/kenning#" "outcome";
        /// When that was known; virtual.
        OUTCOME_AT = "https://w3id.org/kenning#" "outcomeAt";
        /// From a decision to what a policy took out of it; virtual.
        VIOLATED = "https://w3id.org/kenning#" "violated";
        /// Class of policies.
        POLICY = "https://w3id.org/kenning#" "Policy";
        /// Where a policy is checked, and where it was violated.
        GATE = "https://w3id.org/kenning#" "gate";
        /// From a policy to a property that must not be told.
        SENSITIVE = "https://w3id.org/kenning#" "sensitive";
        /// From a policy to the number of people that a statement about people needs.
        MINIMUM_SUPPORT = "https://w3id.org/kenning#" "minimumSupport";
    }
}

/// RDF, RDFS, OWL.
pub mod rdf {
    terms! {
        /// Class membership.
        TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#" "type";
        /// RDF 1.2: from a reifier to the triple term it speaks of.
        REIFIES = "http://www.w3.org/1999/02/22-rdf-syntax-ns#" "reifies";
        /// Label.
        LABEL = "http://www.w3.org/2000/01/rdf-schema#" "label";
        /// Two names of one thing.
        SAME_AS = "http://www.w3.org/2002/07/owl#" "sameAs";
        /// From a class to one that it is a kind of.
        SUB_CLASS_OF = "http://www.w3.org/2000/01/rdf-schema#" "subClassOf";
        /// From a property to one that it is a kind of.
        SUB_PROPERTY_OF = "http://www.w3.org/2000/01/rdf-schema#" "subPropertyOf";
        /// The first member of a list.
        FIRST = "http://www.w3.org/1999/02/22-rdf-syntax-ns#" "first";
        /// The list after its first member.
        REST = "http://www.w3.org/1999/02/22-rdf-syntax-ns#" "rest";
        /// The list without members.
        NIL = "http://www.w3.org/1999/02/22-rdf-syntax-ns#" "nil";
        /// At most one value.
        FUNCTIONAL_PROPERTY = "http://www.w3.org/2002/07/owl#" "FunctionalProperty";
    }
}

/// Reports of SHACL.
pub mod sh {
    terms! {
        /// From a violation to its shape.
        SOURCE_SHAPE = "http://www.w3.org/ns/shacl#" "sourceShape";
        /// From a violation to the node that it is wrong with.
        FOCUS_NODE = "http://www.w3.org/ns/shacl#" "focusNode";
        /// From a violation to what is wrong, in words.
        RESULT_MESSAGE = "http://www.w3.org/ns/shacl#" "resultMessage";
        /// From a shape to what to say of a violation.
        MESSAGE = "http://www.w3.org/ns/shacl#" "message";
    }
}

/// SKOS.
pub mod skos {
    terms! {
        /// Preferred label.
        PREF_LABEL = "http://www.w3.org/2004/02/skos/core#" "prefLabel";
        /// Other label.
        ALT_LABEL = "http://www.w3.org/2004/02/skos/core#" "altLabel";
        /// Label that only searches see.
        HIDDEN_LABEL = "http://www.w3.org/2004/02/skos/core#" "hiddenLabel";
        /// Code of a concept.
        NOTATION = "http://www.w3.org/2004/02/skos/core#" "notation";
    }
}

/// schema.org.
pub mod schema {
    terms! {
        /// Name.
        NAME = "https://schema.org/" "name";
        /// From a review to what somebody says.
        REVIEW_BODY = "https://schema.org/" "reviewBody";
        /// From a review to what it is about.
        ITEM_REVIEWED = "https://schema.org/" "itemReviewed";
        /// Who wrote it.
        AUTHOR = "https://schema.org/" "author";
    }
}

/// DC Terms.
pub mod dcterms {
    terms! {
        /// Title; of a source its file.
        TITLE = "http://purl.org/dc/terms/" "title";
    }
}

/// PROV-O.
pub mod prov {
    terms! {
        /// From what is derived to what it comes from.
        WAS_DERIVED_FROM = "http://www.w3.org/ns/prov#" "wasDerivedFrom";
        /// From what is made to the activity that made it.
        WAS_GENERATED_BY = "http://www.w3.org/ns/prov#" "wasGeneratedBy";
        /// From an activity to what it used.
        USED = "http://www.w3.org/ns/prov#" "used";
        /// When something happened.
        AT_TIME = "http://www.w3.org/ns/prov#" "atTime";
        /// When it came to be.
        GENERATED_AT_TIME = "http://www.w3.org/ns/prov#" "generatedAtTime";
        /// What happens over a time and acts upon things.
        ACTIVITY = "http://www.w3.org/ns/prov#" "Activity";
        /// When an activity began.
        STARTED_AT_TIME = "http://www.w3.org/ns/prov#" "startedAtTime";
        /// When an activity ended.
        ENDED_AT_TIME = "http://www.w3.org/ns/prov#" "endedAtTime";
        /// For whom or by whom an activity was.
        WAS_ASSOCIATED_WITH = "http://www.w3.org/ns/prov#" "wasAssociatedWith";
    }
}

/// XML Schema datatypes.
pub mod xsd {
    terms! {
        /// Whole numbers.
        INTEGER = "http://www.w3.org/2001/XMLSchema#" "integer";
        /// Decimal numbers.
        DECIMAL = "http://www.w3.org/2001/XMLSchema#" "decimal";
        /// Double-precision numbers.
        DOUBLE = "http://www.w3.org/2001/XMLSchema#" "double";
        /// Points in time.
        DATE_TIME = "http://www.w3.org/2001/XMLSchema#" "dateTime";
        /// Years.
        G_YEAR = "http://www.w3.org/2001/XMLSchema#" "gYear";
    }
}

/// Custom Datatypes (Lefrançois & Zimmermann 2018).
pub mod cdt {
    terms! {
        /// Quantities: a number and a unit of UCUM.
        UCUM = "https://w3id.org/cdt/" "ucum";
    }
}

/// Extended Date/Time Format, as the Library of Congress names it.
pub mod edtf {
    terms! {
        /// Dates of which parts may be unknown: `199X`.
        EDTF = "http://id.loc.gov/datatypes/edtf/" "EDTF";
    }
}

/// Properties that name a node, best first.
pub const LABELS: &[&str] = &[
    rdf::LABEL,
    skos::PREF_LABEL,
    schema::NAME,
    dcterms::TITLE,
    "http://xmlns.com/foaf/0.1/name",
];

/// Properties that say when a thing came out, or came to be.
pub const YEARS: &[&str] = &[
    "https://schema.org/datePublished",
    "https://schema.org/dateCreated",
    "https://schema.org/releaseDate",
    "http://purl.org/dc/terms/issued",
    "http://purl.org/dc/terms/created",
    "http://purl.org/dc/terms/date",
    "http://dbpedia.org/ontology/releaseDate",
    "http://dbpedia.org/ontology/publicationDate",
    "http://dbpedia.org/ontology/year",
    "http://www.wikidata.org/prop/direct/P577",
    "http://www.wikidata.org/prop/direct/P571",
];

/// Properties that describe a node in words.
pub const DESCRIPTIONS: &[&str] = &[
    "http://www.w3.org/2000/01/rdf-schema#comment",
    "http://www.w3.org/2004/02/skos/core#definition",
    "https://schema.org/description",
    "http://purl.org/dc/terms/description",
];

/// Writes `text` so that it can stand in an IRI: letters and digits of all scripts and `-._~` stay, of others each
/// byte becomes `%XX`. Different texts give different results, since `%` itself is encoded.
pub fn percent_encode(text: &str) -> String {
    // These two would be steps in a path.
    if text == "." || text == ".." {
        return text.replace('.', "%2E");
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_texts_are_valid_and_differ() {
        for (value, expect) in [
            ("plain-1.2_~", "plain-1.2_~"),
            ("a b/c", "a%20b%2Fc"),
            ("100%", "100%25"),
            ("Élan", "Élan"),
            ("..", "%2E%2E"),
            ("…", "%E2%80%A6"),
        ] {
            assert_eq!(percent_encode(value), expect);
        }
    }
}
