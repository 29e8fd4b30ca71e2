-- Erasure asks which decisions still name a prompt.
CREATE INDEX decisions_by_prompt ON decisions (prompt_id);
