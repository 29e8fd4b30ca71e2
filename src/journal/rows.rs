//! Records to rows and back.

use super::records::{Build, Decision, Entry, Import, Reply, Trail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

type Result<T> = sqlx::Result<T>;

/// What packed texts begin with (RFC 8878, 3.1.1); no JSON does.
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How hard is tried to pack: the more the slower.
const LEVEL: i32 = 3;

/// Bytes of one unpacked text at most.
const MOST: usize = 1 << 28;

pub(super) async fn insert_import(c: &mut SqliteConnection, import: &Import) -> Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO imports
             (dataset, started, finished, mapping_hash, inputs_json, records, rejected, segment_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
    )
    .bind(&import.dataset)
    .bind(&import.started)
    .bind(&import.finished)
    .bind(&import.mapping_hash)
    .bind(json(&import.inputs)?)
    .bind(signed(import.records))
    .bind(signed(import.rejected))
    .bind(&import.segment_hash)
    .fetch_one(c)
    .await
}

pub(super) fn import(row: &SqliteRow) -> Result<Entry<Import>> {
    let record = Import {
        dataset: row.try_get("dataset")?,
        started: row.try_get("started")?,
        finished: row.try_get("finished")?,
        mapping_hash: row.try_get("mapping_hash")?,
        inputs: parsed(row, "inputs_json")?,
        records: unsigned(row, "records")?,
        rejected: unsigned(row, "rejected")?,
        segment_hash: row.try_get("segment_hash")?,
    };
    let id = row.try_get("id")?;
    Ok(Entry { id, record })
}

pub(super) async fn insert_build(c: &mut SqliteConnection, build: &Build) -> Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO builds (started, finished, snapshot_hash, counts_json, stages_json)
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(&build.started)
    .bind(&build.finished)
    .bind(&build.snapshot_hash)
    .bind(json(&build.counts)?)
    .bind(json(&build.stages)?)
    .fetch_one(c)
    .await
}

pub(super) fn build(row: &SqliteRow) -> Result<Entry<Build>> {
    let record = Build {
        started: row.try_get("started")?,
        finished: row.try_get("finished")?,
        snapshot_hash: row.try_get("snapshot_hash")?,
        counts: parsed(row, "counts_json")?,
        stages: parsed(row, "stages_json")?,
    };
    let id = row.try_get("id")?;
    Ok(Entry { id, record })
}

/// A decision whose texts are packed: that takes longer than to keep it, and needs no connection.
pub(super) struct Packed {
    /// Without its texts.
    decision: Decision,
    request: String,
    answer: Vec<u8>,
    trail: Vec<u8>,
}

impl Packed {
    pub(super) fn new(mut decision: Decision) -> Result<Self> {
        Ok(Self {
            request: json(&std::mem::take(&mut decision.request))?,
            answer: packed(&std::mem::take(&mut decision.answer))?,
            trail: packed(&std::mem::take(&mut decision.trail))?,
            decision,
        })
    }
}

pub(super) async fn insert_prompt(c: &mut SqliteConnection, id: &str, text: &str) -> Result<()> {
    let sql = "INSERT INTO prompts (id, text) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    sqlx::query(sql).bind(id).bind(text).execute(c).await?;
    Ok(())
}

/// Whether the id was free, and the decision is kept.
pub(super) async fn insert_decision(
    c: &mut SqliteConnection,
    id: &str,
    packed: &Packed,
) -> Result<bool> {
    let decision = &packed.decision;
    let done = sqlx::query(
        "INSERT INTO decisions
             (id, at, user_id, request_json, snapshot_hash, prompt_id, prompt_tokens,
              completion_tokens, model, rung, answer_json, error,
              started, last_change, setup_id, cost, trail_json)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(&decision.at)
    .bind(&decision.user)
    .bind(&packed.request)
    .bind(&decision.snapshot_hash)
    .bind(&decision.prompt_id)
    .bind(decision.prompt_tokens.map(signed))
    .bind(decision.completion_tokens.map(signed))
    .bind(&decision.model)
    .bind(&decision.rung)
    .bind(&packed.answer)
    .bind(&decision.error)
    .bind(&decision.started)
    .bind(decision.last_change)
    .bind(&decision.setup)
    .bind(decision.cost)
    .bind(&packed.trail)
    .execute(c)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) fn decision(row: &SqliteRow) -> Result<Entry<Decision, String>> {
    let record = Decision {
        at: row.try_get("at")?,
        user: row.try_get("user_id")?,
        request: parsed(row, "request_json")?,
        snapshot_hash: row.try_get("snapshot_hash")?,
        prompt_id: row.try_get("prompt_id")?,
        prompt_tokens: maybe_unsigned(row, "prompt_tokens")?,
        completion_tokens: maybe_unsigned(row, "completion_tokens")?,
        model: row.try_get("model")?,
        rung: row.try_get("rung")?,
        answer: serde_json::from_str(&text(row, "answer_json")?)
            .map_err(|e| undecodable("answer_json", e))?,
        error: row.try_get("error")?,
        started: row.try_get("started")?,
        last_change: row.try_get("last_change")?,
        setup: row.try_get("setup_id")?,
        cost: row.try_get("cost")?,
        trail: trail(row)?,
    };
    let id = row.try_get("id")?;
    Ok(Entry { id, record })
}

/// What a decision rested on; nothing of one that an older kenning kept.
pub(super) fn trail(row: &SqliteRow) -> Result<Trail> {
    Ok(maybe_parsed(row, "trail_json")?.unwrap_or_default())
}

pub(super) async fn insert_reply(c: &mut SqliteConnection, key: &str, reply: &Reply) -> Result<()> {
    sqlx::query(
        "INSERT INTO replies (key, model, reply_json, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(key)
    .bind(&reply.model)
    .bind(json(&reply.reply)?)
    .bind(&reply.at)
    .execute(c)
    .await?;
    Ok(())
}

pub(super) fn reply(row: &SqliteRow) -> Result<Reply> {
    Ok(Reply {
        model: row.try_get("model")?,
        reply: parsed(row, "reply_json")?,
        at: row.try_get("at")?,
    })
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))
}

/// Answers and trails repeat the same names again and again: packed, they take a tenth of the room.
fn packed(value: &impl Serialize) -> Result<Vec<u8>> {
    zstd::bulk::compress(json(value)?.as_bytes(), LEVEL).map_err(|e| sqlx::Error::Encode(e.into()))
}

/// The text in a column that has to have one, packed or not.
pub(super) fn text(row: &SqliteRow, column: &str) -> Result<String> {
    let nothing = || undecodable(column, sqlx::error::UnexpectedNullError);
    maybe_text(row, column)?.ok_or_else(nothing)
}

/// The same of a column that may be empty.
pub(super) fn maybe_text(row: &SqliteRow, column: &str) -> Result<Option<String>> {
    let Some(bytes) = row.try_get::<Option<&[u8]>, _>(column)? else {
        return Ok(None);
    };
    let bytes = match bytes.starts_with(&PACKED) {
        true => zstd::bulk::decompress(bytes, MOST).map_err(|e| undecodable(column, e))?,
        false => bytes.to_vec(),
    };
    let text = String::from_utf8(bytes).map_err(|e| undecodable(column, e))?;
    Ok(Some(text))
}

fn maybe_parsed<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<Option<T>> {
    let read = |text: String| serde_json::from_str(&text).map_err(|e| undecodable(column, e));
    maybe_text(row, column)?.map(read).transpose()
}

fn parsed<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text).map_err(|e| undecodable(column, e))
}

/// SQL has no unsigned numbers; no count of ours comes near the limit.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(row: &SqliteRow, column: &str) -> Result<u64> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|e| undecodable(column, e))
}

fn maybe_unsigned(row: &SqliteRow, column: &str) -> Result<Option<u64>> {
    let count: Option<i64> = row.try_get(column)?;
    let converted = count.map(u64::try_from).transpose();
    converted.map_err(|e| undecodable(column, e))
}

fn undecodable(
    column: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: source.into(),
    }
}
