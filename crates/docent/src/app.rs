//! What a command works with: flags and settings resolved, models and library opened when
//! they are first needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use docent_core::model::{Embedder, Generator};
use docent_engine::collection::Collection;
use docent_engine::embedders::Embedders;
use docent_engine::library::{Library, WorkerCommand};
use docent_engine::settings::Settings as EngineSettings;
use docent_model::{
    Adapter, EmbedderOptions, EmbedderSource, GeneratorOptions, GeneratorSource, PackedCache,
    Precision, PrefixLimits, RerankerOptions,
};

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::log;
use crate::origin::Origin;
use crate::output::Output;
use crate::places::{ChosenBy, IndexHome, Places};
use crate::printable::printable_line;
use crate::settings::Settings;
use crate::streaming::outlook;
use crate::tui::TuiSetup;

/// The hidden command that reads files for another docent.
const WORKER_COMMAND: &str = "extract-worker";

/// The collection that a checkout of docent begins with.
const DEMO: &str = "assets/demo";

/// Flags, settings and places of one run.
pub(crate) struct App {
    pub(crate) output: Output,
    pub(crate) settings: Settings,
    /// Why the settings are not the person's: told by `docent doctor`, an error elsewhere.
    pub(crate) settings_failure: Option<Failure>,
    pub(crate) settings_file: Option<PathBuf>,
    pub(crate) places: Places,
    pub(crate) home: IndexHome,
    /// What the models compute with, as DOCENT_ISA names it.
    pub(crate) instruction_set: &'static str,
}

impl App {
    /// Reads the settings, lays the flags over them, starts the log.
    ///
    /// # Errors
    /// When there is no place for the index, or DOCENT_ISA names no instruction set.
    pub(crate) fn new(flags: Global, output: Output) -> Result<App> {
        let instruction_set = docent_model::instruction_set().map_err(|error| {
            Failure::config(format_args!("DOCENT_ISA: {error}"))
                .hint("Without DOCENT_ISA docent takes the fastest one.")
        })?;
        let places = Places::of_platform();
        log::start(places.logs().as_deref(), flags.verbose);
        let settings_file = flags.settings.clone().or_else(|| places.settings.clone());
        let loaded = Settings::load(settings_file.as_deref(), flags.settings.is_some());
        let (mut settings, settings_failure) = match loaded {
            Ok(settings) => (settings, None),
            Err(failure) => (Settings::default(), Some(failure)),
        };
        let current = std::env::current_dir().map_err(|error| {
            Failure::user(format_args!("the current folder cannot be told: {error}"))
                .hint("Change into a folder that is there.")
        })?;
        let home = IndexHome::choose(
            flags.index.as_deref(),
            std::env::var_os("DOCENT_INDEX").map(PathBuf::from),
            settings.index.home.as_deref(),
            &current,
            &places,
        )?;
        let models = &mut settings.models;
        if !flags.lora.is_empty() {
            models.lora = flags.lora;
        }
        models.kv = flags.kv.unwrap_or(models.kv);
        models.generator = flags.model.or(models.generator.take());
        models.embedder = flags.embedder.or(models.embedder.take());
        models.threads = flags.threads.unwrap_or(models.threads);
        models.precision = flags.precision.unwrap_or(models.precision);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), home = %home.path.display(), "start");
        Ok(App {
            output,
            settings,
            settings_failure,
            settings_file,
            places,
            home,
            instruction_set: instruction_set.name(),
        })
    }

    /// The settings, where they are the person's.
    ///
    /// # Errors
    /// When the settings file is wrong.
    pub(crate) fn sound_settings(&self) -> Result<&Settings> {
        match &self.settings_failure {
            None => Ok(&self.settings),
            Some(failure) => Err(Failure::config(failure)),
        }
    }

    /// Opens the library, loading the embedder.
    ///
    /// # Errors
    /// When the settings are wrong, the embedder cannot be loaded or the index home not be used.
    pub(crate) fn library(&self) -> Result<Library> {
        self.library_with(self.sound_settings()?.engine())
    }

    /// Opens the library with settings of its own.
    ///
    /// # Errors
    /// As [`App::library`].
    pub(crate) fn library_with(&self, settings: EngineSettings) -> Result<Library> {
        let threads = self.settings.models.threads;
        let findings = self.findings();
        let embedders = Embedders {
            chosen: self.embedder()?,
            origin: Origin::of(&self.settings.models).to_text(),
            recall: Box::new(move |origin| Origin::load(origin, threads, findings.as_deref())),
        };
        let worker = self.worker_command()?;
        let library = Library::open(&self.home.path, settings, embedders, worker)?;
        if let Some(folder) = &self.settings.models.reranker {
            let options = self.reranker_options();
            let reranker = docent_model::load_reranker(folder, options).map_err(Failure::user)?;
            library.set_reranker(reranker);
        }
        Ok(library)
    }

    /// How the reranker computes: with bytes unless it is told otherwise.
    pub(crate) fn reranker_options(&self) -> RerankerOptions {
        let models = &self.settings.models;
        RerankerOptions {
            threads: models.threads,
            precision: models.precision.precision().unwrap_or(Precision::Int8),
        }
    }

    /// The command by which docent starts itself to read files.
    ///
    /// # Errors
    /// When the platform does not tell where this program lies.
    pub(crate) fn worker_command(&self) -> Result<WorkerCommand> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::user(format_args!("docent cannot find its own program: {error}"))
                .hint("Start it by its full path.")
        })?;
        Ok(WorkerCommand {
            program,
            arguments: vec![WORKER_COMMAND.into()],
        })
    }

    /// Where the embedder comes from.
    pub(crate) fn embedder_source(&self) -> EmbedderSource {
        match &self.settings.models.embedder {
            Some(folder) => EmbedderSource::Directory(folder.clone()),
            None => EmbedderSource::Starter,
        }
    }

    /// Where the generator comes from.
    pub(crate) fn generator_source(&self) -> GeneratorSource {
        match &self.settings.models.generator {
            Some(file) => GeneratorSource::File(file.clone()),
            None => GeneratorSource::Starter,
        }
    }

    /// How the embedder computes.
    pub(crate) fn embedder_options(&self) -> EmbedderOptions {
        let models = &self.settings.models;
        Origin::of(models).options(models.threads, self.findings().as_deref())
    }

    /// Where what is found out about embedders is kept; `None` where the platform names no home
    /// folder.
    fn findings(&self) -> Option<PathBuf> {
        Some(self.places.cache.as_ref()?.join("embedders"))
    }

    /// How the generator runs.
    pub(crate) fn generator_options(&self) -> GeneratorOptions {
        let models = &self.settings.models;
        GeneratorOptions {
            threads: models.threads,
            context_tokens: (models.context_tokens > 0).then_some(models.context_tokens),
            cache_precision: models.kv.into(),
            adapters: models.lora.iter().map(|lora| adapter(lora)).collect(),
            packed: self.packed_cache().filter(|_| models.packed_bytes > 0),
            prefixes: PrefixLimits {
                bytes: models.prefix_bytes,
                ..PrefixLimits::default()
            },
        }
    }

    /// Where packed weights are kept; `None` where the platform names no home folder.
    pub(crate) fn packed_cache(&self) -> Option<PackedCache> {
        let cache = self.places.cache.as_ref()?;
        Some(PackedCache {
            folder: cache.join("packed"),
            limit_bytes: self.settings.models.packed_bytes,
        })
    }

    /// Loads the embedder.
    ///
    /// # Errors
    /// When it cannot be loaded; the message names the file and what to do.
    pub(crate) fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        let begin = Instant::now();
        let embedder =
            docent_model::load_embedder(&self.embedder_source(), self.embedder_options())
                .map_err(Failure::user)?;
        tracing::debug!(
            fingerprint = embedder.fingerprint(),
            ms = begin.elapsed().as_millis() as u64,
            "embedder loaded"
        );
        Ok(embedder)
    }

    /// What loads the generator, to be called on any thread.
    pub(crate) fn generator_loader(
        &self,
    ) -> impl FnOnce() -> std::result::Result<Arc<dyn Generator>, String> + Send + 'static {
        let source = self.generator_source();
        let options = self.generator_options();
        move || docent_model::load_generator(&source, options).map_err(|error| error.to_string())
    }

    /// Tells on stderr what to expect of a generator that memory has no room for.
    pub(crate) fn tell_streaming(&self, generator: &dyn Generator) {
        if let Some(streaming) = generator.streaming() {
            let text = format!("{}: {}", generator.name(), outlook(&streaming));
            self.output.note(printable_line(&text));
        }
    }

    /// Begins to load the generator while other things are done.
    pub(crate) fn load_generator(&self) -> LoadingGenerator {
        LoadingGenerator(std::thread::spawn(self.generator_loader()))
    }

    /// The collection that WHERE names: by name, or by a folder, which gets a collection of
    /// its own when it has none. Without WHERE: the one that there is, or the one whose folder
    /// holds the current folder.
    ///
    /// # Errors
    /// When WHERE is neither, or which one is meant cannot be told.
    pub(crate) fn place(&self, library: &Library, place: Option<&str>) -> Result<Collection> {
        if let Some(place) = place {
            return Ok(library.resolve(place)?);
        }
        let names = library.names()?;
        if let [only] = names.as_slice() {
            return Ok(library.collection(only)?);
        }
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        if let Ok(here) = here
            && let Some(collection) = self.around(library, &here)?
        {
            return Ok(collection);
        }
        Err(if names.is_empty() {
            Failure::user("there is no collection yet")
                .hint("Name a folder with --in FOLDER, or make one with `docent add NAME FOLDER`.")
        } else {
            Failure::user(format_args!(
                "which collection? There are {}",
                names.join(", ")
            ))
            .hint("Name one with --in NAME.")
        })
    }

    /// The collection one of whose folders is, or holds, a path on disk.
    ///
    /// # Errors
    /// When the index home cannot be listed.
    pub(crate) fn around(&self, library: &Library, path: &Path) -> Result<Option<Collection>> {
        let names = library.names()?;
        let around = names.iter().find(|name| holds(library, name, path));
        Ok(around.map(|name| library.collection(name)).transpose()?)
    }

    /// The collections that a command without changes is about: the one that `name` names (or
    /// that has it as a folder), or all.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn named_or_all(
        &self,
        library: &Library,
        name: Option<&str>,
    ) -> Result<Vec<String>> {
        let names = library.names()?;
        let Some(name) = name else { return Ok(names) };
        let known = |known: &&String| known.to_lowercase() == name.to_lowercase();
        if let Some(known) = names.iter().find(known) {
            return Ok(vec![known.clone()]);
        }
        let folder = Path::new(name).canonicalize();
        let rooted = |folder: PathBuf| names.iter().find(|known| has_root(library, known, &folder));
        match folder.ok().and_then(rooted) {
            Some(known) => Ok(vec![known.clone()]),
            // The library's own words about a name that it does not know.
            None => library
                .collection(name)
                .map(|_| vec![name.to_owned()])
                .map_err(Into::into),
        }
    }

    /// What the terminal UI opens with.
    ///
    /// # Errors
    /// As [`App::library`].
    pub(crate) fn tui_setup(&self) -> Result<TuiSetup> {
        let library = self.library()?;
        let in_checkout = self.home.chosen_by == ChosenBy::Checkout;
        let is_fresh = in_checkout && library.names()?.is_empty();
        let collection = match is_fresh && Path::new(DEMO).is_dir() {
            true => Some(library.resolve(DEMO)?.name().to_owned()),
            false => None,
        };
        Ok(TuiSetup {
            library,
            collection,
            generator: Box::new(self.generator_loader()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// An adapter as it is named in the settings: a file, or a file, a colon and a scale.
fn adapter(named: &str) -> Adapter {
    let scaled = named.rsplit_once(':').and_then(|(file, scale)| {
        let scale: f32 = scale.parse().ok()?;
        scale.is_finite().then_some((file, scale))
    });
    let (file, scale) = scaled.unwrap_or((named, 1.0));
    Adapter {
        path: file.into(),
        scale,
    }
}

/// A generator on its way.
pub(crate) struct LoadingGenerator(JoinHandle<std::result::Result<Arc<dyn Generator>, String>>);

impl LoadingGenerator {
    /// Waits until it is there; tells what to expect of one that memory has no room for.
    ///
    /// # Errors
    /// When it cannot be loaded; the message names the file and what to do.
    pub(crate) fn wait_and_tell(self, app: &App) -> Result<Arc<dyn Generator>> {
        let generator = self.wait()?;
        app.tell_streaming(&*generator);
        Ok(generator)
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// When it cannot be loaded; the message names the file and what to do.
    pub(crate) fn wait(self) -> Result<Arc<dyn Generator>> {
        match self.0.join() {
            Ok(loaded) => loaded.map_err(Failure::user),
            Err(_) => Err(Failure::internal("loading the model ended in a panic")),
        }
    }
}

/// Whether a root of the collection is `folder` or above it.
fn holds(library: &Library, name: &str, folder: &Path) -> bool {
    roots(library, name)
        .iter()
        .any(|root| folder.starts_with(root))
}

/// Whether `folder` is a root of the collection.
fn has_root(library: &Library, name: &str, folder: &Path) -> bool {
    roots(library, name).iter().any(|root| root == folder)
}

/// The roots of a collection; none where it cannot be opened, which is told elsewhere.
fn roots(library: &Library, name: &str) -> Vec<PathBuf> {
    library
        .collection(name)
        .and_then(|collection| collection.roots())
        .unwrap_or_default()
}
