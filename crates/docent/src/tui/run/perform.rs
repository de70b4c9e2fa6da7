//! Commands are done here, on threads: a desk that does one after the other, a lane for answers,
//! one for searches and one for documents, and a pulse that tells where the indexer stands.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender};
use docent_core::citation;
use docent_core::export::Layout;
use docent_core::model::Generator;
use docent_engine::ask::Question;
use docent_engine::collection::Collection;
use docent_engine::event::AskEvent;
use docent_engine::indexer::{Again, IndexOptions, Indexer};
use docent_engine::library::Library;
use docent_engine::search::{Effort, SearchRequest};
use docent_store::ConversationId;

use super::send;
use crate::report::{self, StoredAnswer};
use crate::streaming::outlook;
use crate::tui::GeneratorLoader;
use crate::tui::message::{
    Command, ConversationCard, Exchange, Message, ModelCard, Shelf, Slot, StoredConversation,
    Target, Ticket,
};
use crate::tui::state::viewer::Source;

mod pulse;

/// Hits that a search asks for.
const HITS: usize = 50;

/// The collection that is open.
#[derive(Clone)]
struct Opened {
    ticket: Ticket,
    collection: Collection,
    indexer: Option<Arc<Indexer>>,
}

/// The model that writes, once loading it has ended.
type Loaded = Option<Arc<dyn Generator>>;

/// What the threads share.
struct Shared {
    library: Library,
    opened: Mutex<Option<Opened>>,
    generator: (Mutex<Option<Loaded>>, Condvar),
    stopped: Mutex<Vec<Ticket>>,
    messages: Sender<Message>,
}

/// Does commands.
pub(super) struct Performer {
    shared: Arc<Shared>,
    desk: Sender<Command>,
    questions: Sender<(Ticket, Question)>,
    searches: Sender<(Ticket, String)>,
    documents: Sender<(Slot, Ticket, Target)>,
}

impl Performer {
    /// Starts the threads, and loading the model.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        library: Library,
        generator: GeneratorLoader,
        messages: Sender<Message>,
    ) -> anyhow::Result<Performer> {
        let shared = Arc::new(Shared {
            library,
            opened: Mutex::default(),
            generator: Default::default(),
            stopped: Mutex::default(),
            messages,
        });
        let (desk, commands) = crossbeam_channel::unbounded();
        let (questions, asked) = crossbeam_channel::unbounded();
        let (searches, searched) = crossbeam_channel::unbounded();
        let (documents, wanted) = crossbeam_channel::unbounded();
        spawn("docent-model", &shared, |shared| {
            load_generator(&shared, generator)
        })?;
        spawn("docent-desk", &shared, move |shared| {
            do_all(&shared, &commands)
        })?;
        spawn("docent-ask", &shared, move |shared| {
            answer_all(&shared, &asked)
        })?;
        spawn("docent-search", &shared, move |shared| {
            search_all(&shared, &searched)
        })?;
        spawn("docent-view", &shared, move |shared| {
            load_all(&shared, &wanted)
        })?;
        spawn("docent-pulse", &shared, |shared| pulse::beat(&shared))?;
        Ok(Performer {
            shared,
            desk,
            questions,
            searches,
            documents,
        })
    }

    /// Has a command done; never waits for it.
    pub(super) fn perform(&mut self, command: Command) {
        // A lane whose thread is gone has told so by its panic in the log; there is nobody
        // left to do the command.
        match command {
            Command::Ask(ticket, question) => {
                let _ = self.questions.send((ticket, *question));
            }
            Command::StopAsking(ticket) => lock(&self.shared.stopped).push(ticket),
            Command::Search(ticket, query) => {
                let _ = self.searches.send((ticket, query));
            }
            Command::Load(slot, ticket, target) => {
                let _ = self.documents.send((slot, ticket, target));
            }
            // A pause must not wait behind a folder that is being added.
            Command::Pause => self.shared.with_indexer(Indexer::pause),
            Command::Resume => self.shared.with_indexer(Indexer::resume),
            other => {
                let _ = self.desk.send(other);
            }
        }
    }
}

fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    work: impl FnOnce(Arc<Shared>) + Send + 'static,
) -> anyhow::Result<()> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(shared))
        .context("no thread can be started")?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The result of `work`, a panic being an error as well.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err("docent made a mistake here, which its log tells; the rest goes on".to_owned())
    })
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Shared {
    fn tell(&self, message: Message) {
        send(&self.messages, message);
    }

    fn opened(&self) -> Option<Opened> {
        lock(&self.opened).clone()
    }

    fn collection(&self) -> Result<Collection, String> {
        let opened = self.opened().ok_or("no collection is open")?;
        Ok(opened.collection)
    }

    fn with_indexer(&self, work: impl FnOnce(&Indexer)) {
        if let Some(indexer) = lock(&self.opened).as_ref().and_then(|o| o.indexer.as_ref()) {
            work(indexer);
        }
    }

    /// Closes the open collection; waits until its indexer has finished the batch in hand.
    fn close(&self) {
        let opened = lock(&self.opened).take();
        let Some(indexer) = opened.and_then(|opened| opened.indexer) else {
            return;
        };
        indexer.stop();
        // The pulse may hold it for a moment.
        while Arc::strong_count(&indexer) > 1 {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn open(&self, ticket: Ticket, name: Option<String>) -> Result<Option<String>, String> {
        self.close();
        let Some(name) = name.map_or_else(|| self.latest(), |name| Ok(Some(name)))? else {
            return Ok(None);
        };
        let collection = self.library.collection(&name).map_err(told)?;
        let name = collection.name().to_owned();
        self.index(ticket, collection, Again::None);
        Ok(Some(name))
    }

    /// The collection that was changed last; one that cannot be read comes last.
    fn latest(&self) -> Result<Option<String>, String> {
        let names = self.library.names().map_err(told)?;
        let changed = |name: &String| {
            let collection = self.library.collection(name).ok()?;
            collection.status().ok()?.updated
        };
        Ok(names.into_iter().max_by_key(changed))
    }

    /// Makes a collection the open one, and keeps it up to date.
    fn index(&self, ticket: Ticket, collection: Collection, again: Again) {
        let options = IndexOptions {
            watch: true,
            again,
            ..IndexOptions::default()
        };
        let indexer = match collection.indexer(options) {
            Ok(indexer) => Some(Arc::new(indexer)),
            Err(error) => {
                self.tell(Message::Done(Err(told(error))));
                None
            }
        };
        *lock(&self.opened) = Some(Opened {
            ticket,
            collection,
            indexer,
        });
    }

    fn shelves(&self) -> Result<Vec<Shelf>, String> {
        let open = self.opened();
        let names = self.library.names().map_err(told)?;
        let shelf = |name: String| {
            let known = open.as_ref().filter(|open| open.collection.name() == name);
            let collection = match known {
                Some(open) => Ok(open.collection.clone()),
                None => self.library.collection(&name),
            };
            let status = collection.and_then(|collection| collection.status());
            Shelf {
                name,
                status: status.map_err(told),
            }
        };
        Ok(names.into_iter().map(shelf).collect())
    }

    /// The model that writes, once loading it has ended; `None` without one, or when the
    /// question is not to be answered any more.
    fn generator(&self, ticket: Ticket) -> Loaded {
        let (slot, loaded) = &self.generator;
        let mut guard = lock(slot);
        loop {
            if let Some(generator) = guard.as_ref() {
                return generator.clone();
            }
            if self.is_stopped(ticket) {
                return None;
            }
            let waited = loaded.wait_timeout(guard, Duration::from_millis(50));
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_stopped(&self, ticket: Ticket) -> bool {
        lock(&self.stopped).contains(&ticket)
    }
}

fn load_generator(shared: &Shared, loader: GeneratorLoader) {
    let loaded = caught(loader);
    let card = loaded.as_ref().map(|generator| ModelCard {
        name: generator.name().to_owned(),
        context_tokens: generator.context_tokens(),
        streaming: generator.streaming().as_ref().map(outlook),
    });
    shared.tell(Message::Generator(card.map_err(Clone::clone)));
    let (slot, changed) = &shared.generator;
    *lock(slot) = Some(loaded.ok());
    changed.notify_all();
}

fn answer_all(shared: &Shared, asked: &Receiver<(Ticket, Question)>) {
    for (ticket, question) in asked {
        let answered = caught(|| {
            let collection = shared.collection()?;
            let generator = shared.generator(ticket);
            collection.ask(generator.as_deref(), &question, &mut |event| {
                shared.tell(Message::Ask(ticket, event));
                if shared.is_stopped(ticket) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            Ok(())
        });
        if let Err(reason) = answered {
            shared.tell(Message::Ask(ticket, AskEvent::Failed(reason)));
        }
        lock(&shared.stopped).retain(|stopped| *stopped != ticket);
    }
}

fn search_all(shared: &Shared, searched: &Receiver<(Ticket, String)>) {
    while let Ok(mut latest) = searched.recv() {
        while let Ok(newer) = searched.try_recv() {
            latest = newer;
        }
        let (ticket, query) = latest;
        // What a quick look finds is shown while a closer one is under way, if one is wanted
        // still.
        for effort in [Effort::Quick, Effort::Full] {
            if effort == Effort::Full && !searched.is_empty() {
                break;
            }
            let found = caught(|| {
                let request = SearchRequest {
                    query: query.clone(),
                    effort,
                    limit: HITS,
                    ..SearchRequest::default()
                };
                shared.collection()?.search(&request).map_err(told)
            });
            shared.tell(Message::Searched(ticket, found));
        }
    }
}

fn load_all(shared: &Shared, wanted: &Receiver<(Slot, Ticket, Target)>) {
    while let Ok(first) = wanted.recv() {
        let mut latest = vec![first];
        while let Ok(newer) = wanted.try_recv() {
            latest.retain(|(slot, ..)| *slot != newer.0);
            latest.push(newer);
        }
        for (slot, ticket, target) in latest {
            let loaded = caught(|| load_document(&shared.collection()?, target));
            shared.tell(Message::Document(slot, ticket, loaded));
        }
    }
}

/// The document of a target. When the file was read anew since, its words are looked for in
/// what it is now.
fn load_document(
    collection: &Collection,
    mut target: Target,
) -> Result<(Arc<Source>, Target), String> {
    if let Some(view) = collection.view(target.document).map_err(told)? {
        return Ok((Arc::new(Source::new(view)), target));
    }
    let found = collection.find(&target.path).map_err(told)?;
    let Some(view) = found.into_iter().find(|view| view.path == target.path) else {
        return Err(format!("{} is no longer in the index", target.path));
    };
    let text = &view.document.text;
    target.document = view.id;
    target.terms.clear();
    target.passage = citation::find_quote(text, &target.quote, 0).unwrap_or(0..0);
    Ok((Arc::new(Source::new(view)), target))
}

/// Does one command after the other.
fn do_all(shared: &Shared, commands: &Receiver<Command>) {
    // Conversations by what they are called before the store has a number for them.
    let mut kept = HashMap::new();
    for command in commands {
        if let Some(message) = do_one(shared, command, &mut kept) {
            shared.tell(message);
        }
    }
}

fn do_one(shared: &Shared, command: Command, kept: &mut HashMap<u64, i64>) -> Option<Message> {
    Some(match command {
        Command::Open(ticket, name) => {
            Message::Opened(ticket, caught(|| shared.open(ticket, name)))
        }
        Command::ListLibrary => Message::Library(caught(|| shared.shelves())),
        Command::ListConversations(ticket) => {
            Message::Conversations(ticket, caught(|| conversations(shared)))
        }
        Command::LoadConversation(ticket, id) => {
            Message::Conversation(ticket, caught(|| conversation(shared, id)))
        }
        Command::DeleteConversation(ticket, id) => {
            let deleted = caught(|| {
                let collection = shared.collection()?;
                let store = collection.conversations().map_err(told)?;
                store.delete(ConversationId(id)).map_err(told)?;
                collection.forget_prompts().map_err(told)?;
                conversations(shared)
            });
            Message::Conversations(ticket, deleted)
        }
        Command::Keep(conversation, stored, exchange) => {
            let stored = stored.or_else(|| kept.get(&conversation.0).copied());
            let result = caught(|| keep(shared, stored, &exchange));
            if let Ok(id) = result {
                kept.insert(conversation.0, id);
            }
            Message::Kept(conversation, result)
        }
        Command::Export(exchanges) => Message::Done(caught(|| export(&exchanges))),
        Command::AddFolder(Some(name), folder) => {
            Message::Done(caught(|| add_folder(shared, &name, &folder)))
        }
        Command::AddFolder(None, folder) => Message::Made(caught(|| make(shared, &folder))),
        Command::RemoveCollection(name) => Message::Done(caught(|| remove(shared, &name))),
        Command::Forget(path) => Message::Done(caught(|| forget(shared, &path))),
        Command::Look => {
            shared.with_indexer(Indexer::nudge);
            Message::Done(Ok("all files are compared with the index again".to_owned()))
        }
        Command::Reread(ticket) => Message::Done(caught(|| reread(shared, ticket))),
        Command::OpenFile(path) => {
            let messages = shared.messages.clone();
            // The system's viewer may take its time; the desk does not wait for it.
            thread::spawn(move || {
                if let Err(reason) = open_file(&path) {
                    send(&messages, Message::Done(Err(reason)));
                }
            });
            return None;
        }
        Command::Close => {
            shared.close();
            Message::Closed
        }
        _ => return None,
    })
}

fn conversations(shared: &Shared) -> Result<Vec<ConversationCard>, String> {
    let store = shared.collection()?.conversations().map_err(told)?;
    let cards = store.list().map_err(told)?.into_iter();
    Ok(cards
        .map(|summary| ConversationCard {
            id: summary.id.0,
            title: summary.first_question.unwrap_or_default(),
            updated: summary.updated_ns / 1_000_000_000,
        })
        .collect())
}

fn conversation(shared: &Shared, id: i64) -> Result<StoredConversation, String> {
    let store = shared.collection()?.conversations().map_err(told)?;
    let found = store.load(ConversationId(id)).map_err(told)?;
    let found = found.ok_or("this conversation was deleted")?;
    let exchanges = found.turns.into_iter().map(|turn| {
        let stored = StoredAnswer::read(turn.answer)?;
        Ok(Exchange {
            question: turn.question,
            answer: stored.answer,
            documents: stored.documents,
        })
    });
    Ok(StoredConversation {
        id,
        exchanges: exchanges.collect::<Result<_, String>>()?,
    })
}

fn keep(shared: &Shared, stored: Option<i64>, exchange: &Exchange) -> Result<i64, String> {
    let store = shared.collection()?.conversations().map_err(told)?;
    let answer = serde_json::to_value(StoredAnswer {
        answer: exchange.answer.clone(),
        documents: exchange.documents.clone(),
    });
    let answer = answer.map_err(told)?;
    let id = match stored {
        Some(id) => ConversationId(id),
        None => store.create().map_err(told)?,
    };
    if store
        .append(id, &exchange.question, &answer)
        .map_err(told)?
    {
        return Ok(id.0);
    }
    // Another docent deleted it meanwhile: what is on this screen begins a new one.
    let id = store.create().map_err(told)?;
    store
        .append(id, &exchange.question, &answer)
        .map_err(told)?;
    Ok(id.0)
}

/// Writes exchanges into a file where docent was started.
fn export(exchanges: &[Exchange]) -> Result<String, String> {
    let folder = std::env::current_dir().map_err(told)?;
    let exchanges = exchanges.iter();
    let report = report::of_exchanges(exchanges.map(|e| (e.question.as_str(), &e.answer)));
    let file = report::write_beside(&folder, "docent-answers", &report.to_text(Layout::Markdown))?;
    Ok(format!(
        "the conversation was written to {}",
        file.display()
    ))
}

fn add_folder(shared: &Shared, name: &str, folder: &Path) -> Result<String, String> {
    let folder = at_home(folder);
    let opened = shared
        .opened()
        .filter(|opened| opened.collection.name() == name);
    match opened.and_then(|opened| opened.indexer) {
        Some(indexer) => indexer.add_root(&folder).map_err(told)?,
        None => {
            let folders = std::slice::from_ref(&folder);
            shared.library.create(name, folders).map_err(told)?;
        }
    }
    Ok(format!("{} was added to {name}", folder.display()))
}

/// Makes a collection of a folder, or finds the one that has it.
fn make(shared: &Shared, folder: &Path) -> Result<String, String> {
    let folder = at_home(folder);
    // A lone word is meant as a folder here, not as a collection's name.
    let folder =
        std::path::absolute(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let collection = shared
        .library
        .resolve(&folder.to_string_lossy())
        .map_err(told)?;
    Ok(collection.name().to_owned())
}

/// `~/x` in full, as a shell would give it.
fn at_home(folder: &Path) -> PathBuf {
    match (folder.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(rest), Ok(home)) => home.join(rest),
        _ => folder.to_owned(),
    }
}

fn remove(shared: &Shared, name: &str) -> Result<String, String> {
    if shared
        .opened()
        .is_some_and(|opened| opened.collection.name() == name)
    {
        shared.close();
    }
    shared.library.remove(name).map_err(told)?;
    Ok(format!("{name} was removed; its files are where they were"))
}

fn forget(shared: &Shared, path: &Path) -> Result<String, String> {
    let opened = shared.opened().ok_or("no collection is open")?;
    match opened.indexer {
        Some(indexer) => indexer.forget(path.to_owned()).map_err(told)?,
        None => opened.collection.forget(path).map_err(told)?,
    };
    Ok(format!(
        "{} was forgotten; the file is where it was",
        path.display()
    ))
}

fn reread(shared: &Shared, ticket: Ticket) -> Result<String, String> {
    let collection = shared.collection()?;
    shared.close();
    shared.index(ticket, collection, Again::All);
    Ok("all files are read again".to_owned())
}

/// Opens a file in the system's viewer; for a file inside a file, the one that holds it.
fn open_file(path: &Path) -> Result<(), String> {
    let path = path.ancestors().find(|at| at.exists()).unwrap_or(path);
    let mut process = if cfg!(target_os = "macos") {
        Process::new("open")
    } else if cfg!(windows) {
        Process::new("explorer")
    } else {
        Process::new("xdg-open")
    };
    let program = process.get_program().to_string_lossy().into_owned();
    let ended = process
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let failed = |reason: String| format!("{} could not be opened: {reason}", path.display());
    match ended {
        // The explorer's status says nothing.
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        Ok(status) => Err(failed(format!("{program} ended with {status}"))),
        Err(error) => Err(failed(format!("{program}: {error}"))),
    }
}
