//! Where things lie: settings, logs, and the home of the index.

use std::path::{Path, PathBuf};

use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use crate::failure::{Failure, Result};

/// The words of `index/README.md`'s first line by which a checkout of docent is known.
const CHECKOUT_MARK: &str = "# The format of docent's index";

/// docent's folders on this platform; `None` where the platform names no home folder.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The person's settings.
    pub(crate) settings: Option<PathBuf>,
    /// The program's data.
    pub(crate) data: Option<PathBuf>,
    /// What can be made again at any time.
    pub(crate) cache: Option<PathBuf>,
}

impl Places {
    /// Asks the platform.
    pub(crate) fn of_platform() -> Places {
        let strategy = choose_app_strategy(AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "docent".to_owned(),
            app_name: "docent".to_owned(),
        })
        .ok();
        Places {
            settings: strategy.as_ref().map(|s| s.in_config_dir("settings.toml")),
            data: strategy.as_ref().map(AppStrategy::data_dir),
            cache: strategy.as_ref().map(AppStrategy::cache_dir),
        }
    }

    /// The folder of log files.
    pub(crate) fn logs(&self) -> Option<PathBuf> {
        Some(self.data.as_ref()?.join("logs"))
    }
}

/// What decided where the index lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChosenBy {
    /// `--index`.
    Flag,
    /// `DOCENT_INDEX`.
    Environment,
    /// The settings.
    Settings,
    /// docent runs in its own checkout.
    Checkout,
    /// Nothing else did: the platform's data folder.
    Platform,
}

impl ChosenBy {
    /// In words, for `docent doctor`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ChosenBy::Flag => "--index",
            ChosenBy::Environment => "DOCENT_INDEX",
            ChosenBy::Settings => "the settings",
            ChosenBy::Checkout => "this checkout of docent",
            ChosenBy::Platform => "the platform's data folder",
        }
    }
}

/// The home of the index and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexHome {
    /// The folder; it need not be there yet.
    pub(crate) path: PathBuf,
    /// What decided.
    pub(crate) chosen_by: ChosenBy,
}

impl IndexHome {
    /// The first that is given of: flag, environment, settings, checkout, platform.
    ///
    /// # Errors
    /// When none is, because the platform names no home folder.
    pub(crate) fn choose(
        flag: Option<&Path>,
        environment: Option<PathBuf>,
        settings: Option<&Path>,
        current: &Path,
        places: &Places,
    ) -> Result<IndexHome> {
        let candidates = [
            (flag.map(Path::to_path_buf), ChosenBy::Flag),
            (
                environment.filter(|path| !path.as_os_str().is_empty()),
                ChosenBy::Environment,
            ),
            (settings.map(Path::to_path_buf), ChosenBy::Settings),
            (checkout_index(current), ChosenBy::Checkout),
            (
                places.data.as_ref().map(|data| data.join("index")),
                ChosenBy::Platform,
            ),
        ];
        candidates
            .into_iter()
            .find_map(|(path, chosen_by)| Some((path?, chosen_by)))
            .map(|(path, chosen_by)| IndexHome {
                path: current.join(path),
                chosen_by,
            })
            .ok_or_else(|| {
                Failure::config("there is no place for the index: this account has no home folder")
                    .hint("Name one with --index FOLDER or in DOCENT_INDEX.")
            })
    }
}

/// `index/` below the current folder where that is docent's own checkout.
fn checkout_index(current: &Path) -> Option<PathBuf> {
    let index = current.join("index");
    let readme = std::fs::read_to_string(index.join("README.md")).ok()?;
    (readme.lines().next()?.trim() == CHECKOUT_MARK).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(flag: Option<&str>, environment: Option<&str>, settings: Option<&str>) -> IndexHome {
        let places = Places {
            settings: None,
            data: Some("/data".into()),
            cache: None,
        };
        IndexHome::choose(
            flag.map(Path::new),
            environment.map(PathBuf::from),
            settings.map(Path::new),
            Path::new("/nowhere"),
            &places,
        )
        .unwrap()
    }

    #[test]
    fn the_flag_wins_then_the_environment_then_the_settings() {
        let at = |home: IndexHome| (home.path, home.chosen_by);
        let (f, e, s) = (Some("/f"), Some("/e"), Some("/s"));
        assert_eq!(at(choose(f, e, s)), ("/f".into(), ChosenBy::Flag));
        assert_eq!(at(choose(None, e, s)), ("/e".into(), ChosenBy::Environment));
        assert_eq!(at(choose(None, None, s)), ("/s".into(), ChosenBy::Settings));
        assert_eq!(
            at(choose(None, Some(""), None)),
            ("/data/index".into(), ChosenBy::Platform)
        );
    }

    #[test]
    fn a_checkout_keeps_its_index_beside_its_code() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let places = Places {
            settings: None,
            data: None,
            cache: None,
        };
        let home = IndexHome::choose(None, None, None, &checkout, &places).unwrap();
        assert_eq!(home.chosen_by, ChosenBy::Checkout);
        assert_eq!(home.path, checkout.join("index"));
    }

    #[test]
    fn without_any_home_the_person_is_asked_for_one() {
        let places = Places {
            settings: None,
            data: None,
            cache: None,
        };
        let failure =
            IndexHome::choose(None, None, None, Path::new("/nowhere"), &places).unwrap_err();
        assert!(failure.to_string().contains("--index"), "{failure}");
    }
}
