-- The journal. Times are RFC 3339 in UTC; columns that end in _json hold JSON.
CREATE TABLE imports (
    id            INTEGER PRIMARY KEY,
    dataset       TEXT NOT NULL,
    started       TEXT NOT NULL,
    finished      TEXT NOT NULL,
    mapping_hash  TEXT NOT NULL,
    inputs_json   TEXT NOT NULL,
    records       BIGINT NOT NULL,
    rejected      BIGINT NOT NULL,
    segment_hash  TEXT NOT NULL
);

CREATE TABLE builds (
    id            INTEGER PRIMARY KEY,
    started       TEXT NOT NULL,
    finished      TEXT NOT NULL,
    snapshot_hash TEXT NOT NULL,
    counts_json   TEXT NOT NULL,
    stages_json   TEXT NOT NULL
);

-- Prompts are named by their content, so one that is asked again is stored once.
CREATE TABLE prompts (
    id   TEXT PRIMARY KEY,
    text TEXT NOT NULL
);

-- Ids sort by time.
CREATE TABLE decisions (
    id                TEXT PRIMARY KEY,
    at                TEXT NOT NULL,
    user_id           TEXT,
    request_json      TEXT NOT NULL,
    snapshot_hash     TEXT NOT NULL,
    prompt_id         TEXT REFERENCES prompts (id),
    prompt_tokens     BIGINT,
    completion_tokens BIGINT,
    model             TEXT,
    rung              TEXT NOT NULL,
    answer_json       TEXT NOT NULL,
    error             TEXT
);

-- A cache: may be emptied at any time.
CREATE TABLE replies (
    key        TEXT PRIMARY KEY,
    model      TEXT NOT NULL,
    reply_json TEXT NOT NULL,
    at         TEXT NOT NULL
);
