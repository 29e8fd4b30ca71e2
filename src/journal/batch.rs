//! Decisions of answers that are given at the same time are kept by one transaction, which waits for the disk once.
//!
//! Whoever wants to keep one puts it in the queue and waits for the connection. The first who gets it keeps all that
//! wait by then; the others find theirs done when it is their turn.

use super::records::Decision;
use super::rows::{self, Packed};
use super::{Journal, prompt_id, trouble};
use crate::{Error, ErrorKind, Result};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A decision that is to be kept.
pub(super) struct Waiting {
    decision: Packed,
    prompt: Option<String>,
    /// Its id, or why it could not be kept.
    kept: Mutex<Option<Result<String>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Keeps an answered request, and its prompt unless that is kept already; returns its id: 16 hex digits that sort by
    /// time.
    ///
    /// # Errors
    /// Also `Usage` if it names a prompt that is not kept.
    pub fn keep(&self, decision: Decision, prompt: Option<String>) -> Result<String> {
        let decision = Packed::new(decision).map_err(|e| trouble::explain(&self.path, e))?;
        let mine = Arc::new(Waiting {
            decision,
            prompt,
            kept: Mutex::default(),
        });
        lock(&self.waiting).push(Arc::clone(&mine));
        let mut connection = lock(&self.connection);
        if lock(&mine.kept).is_none() {
            let all = std::mem::take(&mut *lock(&self.waiting));
            self.keep_all(&mut connection, &all);
        }
        drop(connection);
        let kept = lock(&mine.kept).take();
        kept.unwrap_or_else(|| {
            Err(
                Error::new(ErrorKind::Io, "whoever was to keep the decision failed")
                    .at(self.path.display())
                    .hint("ask again"),
            )
        })
    }

    fn keep_all(&self, connection: &mut SqliteConnection, all: &[Arc<Waiting>]) {
        match self.together(connection, all) {
            Ok(ids) => {
                for (one, id) in all.iter().zip(ids) {
                    *lock(&one.kept) = Some(Ok(id));
                }
            }
            // One that cannot be kept must not take the others with it.
            Err(error) if all.len() > 1 && trouble::is_of_the_record(&error) => {
                all.chunks(1).for_each(|one| self.keep_all(connection, one));
            }
            Err(error) => {
                let error = trouble::explain(&self.path, error);
                for one in all {
                    let same = Error::new(error.kind(), error.message()).at(self.path.display());
                    let hint = error.next_step().unwrap_or_default();
                    *lock(&one.kept) = Some(Err(same.hint(hint)));
                }
            }
        }
    }

    /// Keeps all or none; their ids.
    fn together(
        &self,
        connection: &mut SqliteConnection,
        all: &[Arc<Waiting>],
    ) -> sqlx::Result<Vec<String>> {
        self.runtime.block_on(async {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let mut ids = Vec::with_capacity(all.len());
            for one in all {
                if let Some(text) = &one.prompt {
                    rows::insert_prompt(&mut transaction, &prompt_id(text), text).await?;
                }
                let mut id = self.next_id();
                // Another process may have taken the id in this very millisecond.
                while !rows::insert_decision(&mut transaction, &id, &one.decision).await? {
                    id = self.next_id();
                }
                ids.push(id);
            }
            transaction.commit().await?;
            Ok(ids)
        })
    }
}
