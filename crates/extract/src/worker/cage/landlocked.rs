//! Landlock: what of the file system and of TCP is left.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest version whose rights are known here; a kernel with fewer enforces those it has.
const KNOWN: ABI = ABI::V6;

/// Closes the whole file system, TCP, abstract sockets and signals to this thread and to those
/// it starts. The version that holds; `None` without Landlock.
pub(super) fn nothing() -> Option<u8> {
    version(
        &everything_handled()
            .and_then(RulesetCreated::restrict_self)
            .ok()?,
    )
}

/// Leaves reading and executing, and writing to where nothing is kept.
pub(super) fn reading_only() {
    let restrict = || -> Result<RestrictionStatus, Box<dyn std::error::Error>> {
        let reading = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
        let sink = AccessFs::ReadFile | AccessFs::WriteFile;
        Ok(everything_handled()?
            .add_rule(PathBeneath::new(PathFd::new("/")?, reading))?
            .add_rule(PathBeneath::new(PathFd::new("/dev/null")?, sink))?
            .restrict_self()?)
    };
    // Where the kernel has none of it, there is nothing to restrict with.
    let _ = restrict();
}

fn everything_handled() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()
}

fn version(status: &RestrictionStatus) -> Option<u8> {
    match (&status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => {
            u8::try_from(effective_abi as i32).ok()
        }
        _ => None,
    }
}
