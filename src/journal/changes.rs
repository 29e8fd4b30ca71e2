//! The log of changes: what updates did, in their order.

use super::{Journal, trouble};
use crate::Result;
use crate::model::Change;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, QueryBuilder, Row};

/// Number of a change in the log, from 1; 0 is before the first.
pub type ChangeNumber = i64;

/// Changes written by one statement: SQLite takes 32,766 values at most.
const AT_ONCE: usize = 4_000;

/// A change with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its number; the change after it has a larger one.
    pub number: ChangeNumber,
    /// The change.
    pub change: Change,
}

impl Journal {
    /// Keeps the changes of one update: all of them, or none. They are on the disk when this returns their last number.
    /// If the log does not end with number `after`, because somebody else added to it, nothing is kept.
    pub fn append_changes(
        &self,
        after: ChangeNumber,
        changes: &[Change],
    ) -> Result<Option<ChangeNumber>> {
        self.run(async |c| {
            // Holds other writers off from now on, so that the end of the log stays where it is.
            let mut transaction = c.begin_with("BEGIN IMMEDIATE").await?;
            if last(&mut transaction).await? != after {
                transaction.rollback().await?;
                return Ok(None);
            }
            let end = after + changes.len() as ChangeNumber;
            let mut next = after;
            for part in changes.chunks(AT_ONCE) {
                insert(&mut transaction, part, next, end).await?;
                next += part.len() as ChangeNumber;
            }
            transaction.commit().await?;
            Ok(Some(end))
        })
    }

    /// The changes whose numbers are larger than `number`, in their order.
    pub fn changes_after(&self, number: ChangeNumber) -> Result<Vec<Logged>> {
        self.changes_between(number, ChangeNumber::MAX)
    }

    /// The changes whose numbers are larger than `number` and at most `last`, in their order.
    pub fn changes_between(&self, number: ChangeNumber, last: ChangeNumber) -> Result<Vec<Logged>> {
        self.run(async |c| {
            let sql = "SELECT seq, op, subject, predicate, object, graph FROM changes
                       WHERE seq > $1 AND seq <= $2 ORDER BY seq";
            let rows = sqlx::query(sql)
                .bind(number)
                .bind(last)
                .fetch_all(c)
                .await?;
            rows.iter().map(logged).collect()
        })
    }

    /// The number of the last change; 0 if there is none.
    pub fn last_change(&self) -> Result<ChangeNumber> {
        self.run(async |c| last(c).await)
    }

    /// Which log this is: another journal has another one.
    pub fn change_log(&self) -> Result<String> {
        let found: Option<String> = self.run(async |c| {
            let sql = "SELECT id FROM change_log LIMIT 1";
            sqlx::query_scalar(sql).fetch_optional(c).await
        })?;
        found.ok_or_else(|| trouble::damaged(&self.path, "its log of changes has no name"))
    }
}

async fn last(c: &mut SqliteConnection) -> sqlx::Result<ChangeNumber> {
    let sql = "SELECT coalesce(max(seq), 0) FROM changes";
    sqlx::query_scalar(sql).fetch_one(c).await
}

async fn insert(
    c: &mut SqliteConnection,
    changes: &[Change],
    after: ChangeNumber,
    transaction: ChangeNumber,
) -> sqlx::Result<()> {
    let head = "INSERT INTO changes (seq, \"transaction\", op, subject, predicate, object, graph) ";
    let mut query = QueryBuilder::new(head);
    query.push_values(
        changes.iter().zip(after + 1..),
        |mut row, (change, number)| {
            row.push_bind(number)
                .push_bind(transaction)
                .push_bind(match change {
                    Change::Insert(_) => "insert",
                    Change::Delete(_) => "delete",
                });
            for part in change.statement() {
                row.push_bind(part.as_str());
            }
        },
    );
    query.build().persistent(false).execute(c).await.map(drop)
}

fn logged(row: &SqliteRow) -> sqlx::Result<Logged> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let statement = [
        text("subject")?,
        text("predicate")?,
        text("object")?,
        text("graph")?,
    ];
    Ok(Logged {
        number: row.try_get("seq")?,
        change: match text("op")?.as_str() {
            "insert" => Change::Insert(statement),
            _ => Change::Delete(statement),
        },
    })
}
