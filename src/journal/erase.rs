//! Somebody is taken out of the journal.

use super::records::Trail;
use super::{Journal, rows};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

/// Decisions looked at between two looks at the table.
const AT_ONCE: i64 = 500;

/// What stands in the place of a change that told of somebody: it deletes what nobody stated, so it changes nothing, and
/// the changes after it keep their numbers.
const NOTHING: &str = "<urn:kenning:erased";

/// Who is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erase {
    /// Their IRIs.
    pub iris: Vec<String>,
    /// The ids that dumps and requests call them by.
    pub ids: Vec<String>,
}

/// What was erased of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasedRows {
    /// Changes that stated something of them, or an event of theirs.
    pub changes: usize,
    /// Decisions, with their outcomes.
    pub decisions: usize,
    /// Prompts that no other decision has.
    pub prompts: usize,
    /// Replies to such prompts.
    pub replies: usize,
}

impl Journal {
    /// Decisions for somebody, and others whose texts `names` finds them in.
    pub fn decisions_naming(&self, whom: &Erase, names: &dyn Fn(&str) -> bool) -> Result<usize> {
        self.run(async |c| Ok(naming(c, whom, names).await?.len()))
    }

    /// Takes somebody out: changes that tell of them or of an event of theirs, decisions for them and those that `names`
    /// finds them in, with outcomes, prompts and replies. What is deleted is overwritten on the disk.
    ///
    /// # Errors
    /// Also `Io` if another process reads the journal meanwhile, so that its file cannot be written anew; what was taken
    /// out stays so.
    pub fn erase(&self, whom: &Erase, names: &dyn Fn(&str) -> bool) -> Result<ErasedRows> {
        let erased = self.run(async |c| {
            sqlx::query("PRAGMA secure_delete = ON")
                .execute(&mut *c)
                .await?;
            let mut transaction = c.begin_with("BEGIN IMMEDIATE").await?;
            let mut erased = ErasedRows::default();
            for iri in &whom.iris {
                erased.changes += erase_changes(&mut transaction, iri).await?;
            }
            erase_decisions(&mut transaction, whom, names, &mut erased).await?;
            transaction.commit().await?;
            Ok(erased)
        })?;
        self.run(async |c| {
            sqlx::query("VACUUM").execute(&mut *c).await?;
            let busy: i64 = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut *c)
                .await?
                .try_get(0)?;
            Ok(busy)
        })
        .and_then(|busy| match busy {
            0 => Ok(erased),
            _ => Err(Error::new(
                crate::ErrorKind::Io,
                "they are out of the journal, but another process reads it, and its log still holds what was deleted",
            )
            .at(self.path.display())
            .hint("stop other processes of this project, and run this again")),
        })
    }
}

async fn erase_changes(c: &mut SqliteConnection, iri: &str) -> sqlx::Result<usize> {
    let encoded = format!("<{iri}");
    // In a triple term the IRI stands between its brackets.
    let done = sqlx::query(
        "UPDATE changes SET op = 'delete', subject = $1, predicate = $1, object = $1, graph = $1
         WHERE subject IN (SELECT subject FROM changes WHERE predicate = $2 AND object = $3)
            OR $3 IN (subject, predicate, object, graph)
            OR instr(object, $3 || '>') > 0 OR instr(subject, $3 || '>') > 0",
    )
    .bind(NOTHING)
    .bind(format!("<{}", kenning::EVENT_USER))
    .bind(encoded)
    .execute(c)
    .await?;
    Ok(done.rows_affected() as usize)
}

/// A decision that goes.
struct Doomed {
    id: String,
    prompt: Option<String>,
    trail: Trail,
}

/// The decisions for somebody, and those that name them.
async fn naming(
    c: &mut SqliteConnection,
    whom: &Erase,
    names: &dyn Fn(&str) -> bool,
) -> sqlx::Result<Vec<Doomed>> {
    let mut after = 0;
    let mut doomed = Vec::new();
    loop {
        let sql = "SELECT rowid, id, user_id, request_json, answer_json, trail_json, prompt_id,
                          coalesce(error, '') AS error
                   FROM decisions WHERE rowid > $1 ORDER BY rowid LIMIT $2";
        let query = sqlx::query(sql).bind(after).bind(AT_ONCE);
        let rows = query.fetch_all(&mut *c).await?;
        let Some(last) = rows.last() else {
            return Ok(doomed);
        };
        after = last.try_get("rowid")?;
        for row in &rows {
            let user: Option<String> = row.try_get("user_id")?;
            let is_theirs =
                user.is_some_and(|user| whom.iris.contains(&user) || whom.ids.contains(&user));
            let mut told = false;
            for column in ["request_json", "answer_json", "trail_json", "error"] {
                told |= rows::maybe_text(row, column)?.is_some_and(|text| names(&text));
            }
            if is_theirs || told {
                doomed.push(Doomed {
                    id: row.try_get("id")?,
                    prompt: row.try_get("prompt_id")?,
                    trail: rows::trail(row)?,
                });
            }
        }
    }
}

async fn erase_decisions(
    c: &mut SqliteConnection,
    whom: &Erase,
    names: &dyn Fn(&str) -> bool,
    erased: &mut ErasedRows,
) -> sqlx::Result<()> {
    let doomed = naming(c, whom, names).await?;
    for gone in &doomed {
        let sql = "DELETE FROM decisions WHERE id = $1";
        sqlx::query(sql).bind(&gone.id).execute(&mut *c).await?;
    }
    for gone in &doomed {
        // Others may have been asked the same, and answered from the same reply.
        let sql = "DELETE FROM replies WHERE key = $1
                   AND NOT EXISTS (SELECT 1 FROM decisions WHERE prompt_id = $2)";
        let query = sqlx::query(sql).bind(&gone.trail.reply).bind(&gone.prompt);
        let done = query.execute(&mut *c).await?;
        erased.replies += done.rows_affected() as usize;
    }
    for prompt in doomed.iter().filter_map(|gone| gone.prompt.as_ref()) {
        let sql = "DELETE FROM prompts WHERE id = $1
                   AND NOT EXISTS (SELECT 1 FROM decisions WHERE prompt_id = $1)";
        let done = sqlx::query(sql).bind(prompt).execute(&mut *c).await?;
        erased.prompts += done.rows_affected() as usize;
    }
    erased.decisions = doomed.len();
    Ok(())
}
