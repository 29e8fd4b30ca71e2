-- Erasure asks which decisions still name a prompt. From here on answers and trails are packed: JSON in a frame of
-- Zstandard (RFC 8878), which no older kenning reads.
CREATE INDEX decisions_by_prompt ON decisions (prompt_id);
