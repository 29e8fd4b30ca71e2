-- What updates did, in their order; never changed afterwards. Terms are encoded as the snapshot's are. The changes of one
-- update have one transaction, which is the number of its last one.
CREATE TABLE changes (
    seq           INTEGER PRIMARY KEY,
    "transaction" BIGINT NOT NULL,
    op            TEXT NOT NULL CHECK (op IN ('insert', 'delete')),
    subject       TEXT NOT NULL,
    predicate     TEXT NOT NULL,
    object        TEXT NOT NULL,
    graph         TEXT NOT NULL
);

-- Which log this is: a snapshot names the one that it holds changes of.
CREATE TABLE change_log (
    id TEXT NOT NULL
);

INSERT INTO change_log (id) VALUES (lower(hex(randomblob(16))));
