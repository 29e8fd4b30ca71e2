-- What a decision rested on: enough to ask for it in SPARQL without its answer, and to answer again.
ALTER TABLE decisions ADD COLUMN started TEXT;
ALTER TABLE decisions ADD COLUMN last_change BIGINT;
ALTER TABLE decisions ADD COLUMN setup_id TEXT;
ALTER TABLE decisions ADD COLUMN cost DOUBLE PRECISION;
ALTER TABLE decisions ADD COLUMN trail_json TEXT;
CREATE INDEX decisions_by_user ON decisions (user_id, id);
CREATE INDEX decisions_by_snapshot ON decisions (snapshot_hash, id);

-- Settings, prompt template and policies that answers were made with, named by their content.
CREATE TABLE setups (
    id   TEXT PRIMARY KEY,
    json TEXT NOT NULL
);

-- What became of exposed items. Of several outcomes of one item the last one stands, under a new number.
CREATE TABLE outcomes (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    decision TEXT NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    rank     BIGINT NOT NULL,
    item     TEXT NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
    at       TEXT NOT NULL,
    UNIQUE (decision, rank)
);

-- Who was erased: keyed hashes, so that a build leaves out what a dump still says, and nobody can be read off them.
CREATE TABLE erasures (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL UNIQUE,
    at   TEXT NOT NULL
);
