//! The log of decisions: what they rested on, what became of them, and who was taken out of it.

use super::records::{Decision, Entry, Outcome, Trail};
use super::{Journal, Time, count, prompt_id, rows};
use crate::Result;
use sqlx::{Connection, Row};

/// Decisions without their answers. Rows are numbered in the order in which they are kept, while their ids are only in the
/// order of time within one process.
const OUTLINES: &str =
    "SELECT rowid, id, at, user_id, request_json, snapshot_hash, prompt_id, prompt_tokens,
       completion_tokens, model, rung, error, started, last_change, setup_id, cost, trail_json,
       'null' AS answer_json FROM decisions
       WHERE rowid > $1 AND at >= $2 ORDER BY rowid LIMIT $3";

/// Decisions as they were kept, without their answers.
#[derive(Debug, Default)]
pub struct Outlines {
    /// In the order in which they were kept.
    pub decisions: Vec<Entry<Decision, String>>,
    /// Where the next reading goes on.
    pub last: i64,
}

impl Journal {
    /// The place in the log after which the last `most` decisions stand of those that were kept after place `after` and
    /// answered from `since` on; `None` if there are none.
    pub fn place_of_last(&self, after: i64, since: &str, most: usize) -> Result<Option<i64>> {
        self.run(async |c| {
            let sql = "SELECT min(place) - 1 FROM (SELECT rowid AS place FROM decisions
                       WHERE rowid > $1 AND at >= $2 ORDER BY rowid DESC LIMIT $3)";
            let query = sqlx::query_scalar(sql).bind(after).bind(since);
            query.bind(count(most)).fetch_one(c).await
        })
    }

    /// The first `most` decisions that were kept after place `after` of the log and answered from `since` on.
    pub fn outlines(&self, after: i64, since: &str, most: usize) -> Result<Outlines> {
        self.run(async |c| {
            let query = sqlx::query(OUTLINES).bind(after).bind(since);
            let rows = query.bind(count(most)).fetch_all(c).await?;
            let last = rows.last().map(|row| row.try_get("rowid")).transpose()?;
            let decisions = rows.iter().map(rows::decision);
            Ok(Outlines {
                decisions: decisions.collect::<sqlx::Result<_>>()?,
                last: last.unwrap_or(after),
            })
        })
    }

    /// The decisions for a user that were answered between two times, the newest first: ids and what they rested on.
    pub fn trails(
        &self,
        user: &str,
        (from, until): (&str, &str),
        most: usize,
    ) -> Result<Vec<(String, Trail)>> {
        self.run(async |c| {
            let sql = "SELECT id, trail_json FROM decisions
                       WHERE user_id = $1 AND at >= $2 AND at <= $3 ORDER BY id DESC LIMIT $4";
            let query = sqlx::query(sql).bind(user).bind(from).bind(until);
            let rows = query.bind(count(most)).fetch_all(c).await?;
            let read = |row| Ok((Row::try_get(row, "id")?, rows::trail(row)?));
            rows.iter().map(read).collect()
        })
    }

    /// Keeps what became of an exposed item, in place of what was known of it before.
    ///
    /// # Errors
    /// Also `Usage` if there is no such decision.
    pub fn record_outcome(&self, outcome: &Outcome) -> Result<()> {
        self.run(async |c| {
            let mut transaction = c.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("DELETE FROM outcomes WHERE decision = $1 AND rank = $2")
                .bind(&outcome.decision)
                .bind(count(outcome.rank))
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO outcomes (decision, rank, item, outcome, at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&outcome.decision)
            .bind(count(outcome.rank))
            .bind(&outcome.item)
            .bind(&outcome.outcome)
            .bind(&outcome.at)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        })
    }

    /// The outcomes whose numbers are larger, in their order, and the last number.
    pub fn outcomes_after(&self, number: i64) -> Result<(Vec<Outcome>, i64)> {
        self.run(async |c| {
            let sql = "SELECT seq, decision, rank, item, outcome, at FROM outcomes
                       WHERE seq > $1 ORDER BY seq";
            let rows = sqlx::query(sql).bind(number).fetch_all(c).await?;
            let last = rows.last().map(|row| row.try_get("seq")).transpose()?;
            let outcomes = rows.iter().map(|row| {
                Ok(Outcome {
                    decision: row.try_get("decision")?,
                    rank: row.try_get::<i64, _>("rank")?.max(0).cast_unsigned() as usize,
                    item: row.try_get("item")?,
                    outcome: row.try_get("outcome")?,
                    at: row.try_get("at")?,
                })
            });
            let outcomes = outcomes.collect::<sqlx::Result<_>>()?;
            Ok((outcomes, last.unwrap_or(number)))
        })
    }

    /// The answer of a decision, byte for byte as it was kept.
    ///
    /// # Errors
    /// Also `NotFound`.
    pub fn answer_text(&self, id: &str) -> Result<String> {
        let found = self.run(async |c| {
            let sql = "SELECT answer_json FROM decisions WHERE id = $1";
            let row = sqlx::query(sql).bind(id).fetch_optional(c).await?;
            let text = row.map(|row| rows::text(&row, "answer_json"));
            text.transpose()
        })?;
        found.ok_or_else(|| self.no_decision(id))
    }

    /// Keeps what answers are made with; returns its name, the hash of its text.
    pub fn save_setup(&self, json: &str) -> Result<String> {
        let id = prompt_id(json);
        self.run(async |c| {
            let sql = "INSERT INTO setups (id, json) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
            sqlx::query(sql).bind(&id).bind(json).execute(c).await
        })?;
        Ok(id)
    }

    /// What answers were made with, by its name.
    pub fn setup(&self, id: &str) -> Result<Option<String>> {
        self.run(async |c| {
            let sql = "SELECT json FROM setups WHERE id = $1";
            sqlx::query_scalar(sql).bind(id).fetch_optional(c).await
        })
    }

    /// The hashes of the snapshots that decisions rest on, that of the last decision first.
    pub fn snapshots_in_use(&self) -> Result<Vec<String>> {
        self.run(async |c| {
            let sql =
                "SELECT snapshot_hash FROM decisions GROUP BY snapshot_hash ORDER BY max(id) DESC";
            sqlx::query_scalar(sql).fetch_all(c).await
        })
    }

    /// The ids of the last `most` decisions, the oldest of them first.
    pub fn last_decisions(&self, most: usize) -> Result<Vec<String>> {
        let mut ids: Vec<String> = self.run(async |c| {
            let sql = "SELECT id FROM decisions ORDER BY id DESC LIMIT $1";
            sqlx::query_scalar(sql).bind(count(most)).fetch_all(c).await
        })?;
        ids.reverse();
        Ok(ids)
    }

    /// Keeps that somebody was erased, by the hash that [`Journal::erased`] tells.
    pub fn record_erasure(&self, hash: &str, at: &Time) -> Result<()> {
        self.run(async |c| {
            let sql = "INSERT INTO erasures (hash, at) VALUES ($1, $2)
                       ON CONFLICT (hash) DO UPDATE SET seq = (SELECT max(seq) + 1 FROM erasures)";
            sqlx::query(sql).bind(hash).bind(at).execute(c).await
        })?;
        Ok(())
    }

    /// The hashes of all who were erased.
    pub fn erased(&self) -> Result<Vec<String>> {
        self.run(async |c| {
            let sql = "SELECT hash FROM erasures ORDER BY hash";
            sqlx::query_scalar(sql).fetch_all(c).await
        })
    }

    /// A number that is another one after each erasure.
    pub fn last_erasure(&self) -> Result<i64> {
        self.run(async |c| {
            let sql = "SELECT coalesce(max(seq), 0) FROM erasures";
            sqlx::query_scalar(sql).fetch_one(c).await
        })
    }
}
