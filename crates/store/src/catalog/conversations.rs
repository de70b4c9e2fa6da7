//! Conversations: what was asked of a collection and answered. Any process may write them,
//! beside the one that indexes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::{self, damaged, now_ns};
use super::{BUSY_TIMEOUT, Failure};
use crate::error::StoreError;
use crate::home::Home;
use crate::id::ConversationId;

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When it was asked, in nanoseconds since 1970.
    pub asked_ns: i64,
    /// The question as typed.
    pub question: String,
    /// The answer, in the engine's form.
    pub answer: Value,
}

/// A conversation as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// The first question; `None` while nothing was asked.
    pub first_question: Option<String>,
    /// Number of questions.
    pub turns: usize,
    /// When it was begun, in nanoseconds since 1970.
    pub created_ns: i64,
    /// When something was last added.
    pub updated_ns: i64,
}

/// A whole conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// When it was begun, in nanoseconds since 1970.
    pub created_ns: i64,
    /// Questions and answers, the oldest first.
    pub turns: Vec<Turn>,
}

/// The conversations of a collection, through a connection of their own.
#[derive(Debug, Clone)]
pub struct Conversations {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl Conversations {
    /// Opens the conversations of the collection in `home`.
    ///
    /// # Errors
    /// When there is no collection, or its catalog cannot be used or written.
    pub fn open(home: &Path) -> Result<Conversations, StoreError> {
        let home = Home::at(home)?;
        home.check_format()?;
        let path = home.catalog();
        if !path.exists() {
            let home = home.path().to_owned();
            return Err(StoreError::Missing { home });
        }
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            schema::check(&connection)?;
            schema::set_up(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|e| StoreError::catalog(&path, &e))?;
        Ok(Conversations {
            path,
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Reads do not wait for the indexer's transactions, writes do.
    fn with<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run(&mut connection).map_err(|error| Failure::Sql(error).explain(&self.path))
    }

    /// All conversations, the one with the newest turn first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn list(&self) -> Result<Vec<ConversationSummary>, StoreError> {
        self.with(TransactionBehavior::Deferred, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.id, c.created_ns, c.updated_ns,
                     (SELECT question FROM turns t WHERE t.conversation = c.id
                      ORDER BY ordinal LIMIT 1),
                     (SELECT count(*) FROM turns t WHERE t.conversation = c.id)
                 FROM conversations c ORDER BY c.updated_ns DESC, c.id DESC",
            )?;
            let all = statement.query_map([], |row| {
                Ok(ConversationSummary {
                    id: ConversationId(row.get(0)?),
                    created_ns: row.get(1)?,
                    updated_ns: row.get(2)?,
                    first_question: row.get(3)?,
                    turns: row.get::<_, i64>(4)? as usize,
                })
            })?;
            all.collect()
        })
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn create(&self) -> Result<ConversationId, StoreError> {
        self.with(TransactionBehavior::Immediate, |connection| {
            let now = now_ns();
            connection.execute(
                "INSERT INTO conversations (created_ns, updated_ns) VALUES (?1, ?1)",
                [now],
            )?;
            Ok(ConversationId(connection.last_insert_rowid()))
        })
    }

    /// Adds a question with its answer; `false` if the conversation was deleted meanwhile.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn append(
        &self,
        id: ConversationId,
        question: &str,
        answer: &Value,
    ) -> Result<bool, StoreError> {
        self.with(TransactionBehavior::Immediate, |connection| {
            let now = now_ns();
            let touched = connection.execute(
                "UPDATE conversations SET updated_ns = ?2 WHERE id = ?1",
                [id.0, now],
            )?;
            if touched == 0 {
                return Ok(false);
            }
            connection.execute(
                "INSERT INTO turns (conversation, ordinal, asked_ns, question, answer)
                 SELECT ?1, ifnull(max(ordinal) + 1, 0), ?2, ?3, ?4
                 FROM turns WHERE conversation = ?1",
                params![id.0, now, question, answer.to_string()],
            )?;
            Ok(true)
        })
    }

    /// A conversation with all its turns; `None` if there is no such conversation.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn load(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.with(TransactionBehavior::Deferred, |connection| {
            let created_ns: Option<i64> = connection
                .query_row(
                    "SELECT created_ns FROM conversations WHERE id = ?1",
                    [id.0],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(created_ns) = created_ns else {
                return Ok(None);
            };
            let mut statement = connection.prepare_cached(
                "SELECT asked_ns, question, answer FROM turns WHERE conversation = ?1
                 ORDER BY ordinal",
            )?;
            let turns = statement.query_map([id.0], |row| {
                let answer = serde_json::from_str(row.get_ref(2)?.as_str()?);
                Ok(Turn {
                    asked_ns: row.get(0)?,
                    question: row.get(1)?,
                    answer: answer.map_err(|e| damaged(format!("an answer: {e}")))?,
                })
            })?;
            Ok(Some(Conversation {
                id,
                created_ns,
                turns: turns.collect::<rusqlite::Result<_>>()?,
            }))
        })
    }

    /// Deletes a conversation; `false` if there was none.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn delete(&self, id: ConversationId) -> Result<bool, StoreError> {
        self.with(TransactionBehavior::Immediate, |connection| {
            let deleted = connection.execute("DELETE FROM conversations WHERE id = ?1", [id.0])?;
            Ok(deleted == 1)
        })
    }
}
