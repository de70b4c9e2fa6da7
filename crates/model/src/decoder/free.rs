//! How much memory this process may still take: what the machine has, what its group (a
//! container, a service) leaves to it, and what limits of its own (`ulimit`) do.

use std::fs;
use std::path::Path;

/// Memory that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Free {
    /// Bytes that the machine and this process's groups leave. What files are kept in memory for
    /// gives way, and counts as free.
    pub(crate) memory: u64,
    /// Bytes that limits on the process itself leave, `u64::MAX` if it has none. Files that are
    /// kept in memory do not count here, files that are mapped do.
    pub(crate) own: u64,
}

/// How a kind of groups names what it knows.
struct Files {
    limit: &'static str,
    usage: &'static str,
    /// Bytes of files in memory, in `memory.stat`.
    kept: [&'static str; 2],
}

const UNIFIED: Files = Files {
    limit: "memory.max",
    usage: "memory.current",
    kept: ["inactive_file", "active_file"],
};
const LEGACY: Files = Files {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    kept: ["total_inactive_file", "total_active_file"],
};

/// Limits on a process, and the line of its status that they are about.
const OWN_LIMITS: [(&str, &str); 2] = [
    ("Max address space", "VmSize:"),
    ("Max data size", "VmData:"),
];

impl Free {
    /// What is left now; `None` where the system does not tell.
    pub(crate) fn now() -> Option<Free> {
        Free::below(Path::new("/"))
    }

    /// Bytes that may be taken.
    pub(crate) fn bytes(self) -> u64 {
        self.memory.min(self.own)
    }

    /// Whether the machine has memory for files of so many bytes beside all that this process may
    /// take.
    pub(crate) fn keeps(self, bytes: u64) -> bool {
        self.bytes().saturating_add(bytes) <= self.memory
    }

    /// What the files of a system say whose root folder is `root`.
    fn below(root: &Path) -> Option<Free> {
        let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let available = kibibytes(&meminfo, "MemAvailable:")?;
        Some(Free {
            memory: available.min(in_groups(root).unwrap_or(u64::MAX)),
            own: own(root).unwrap_or(u64::MAX),
        })
    }
}

/// The number behind a name at the beginning of a line, in kibibytes there, in bytes here.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = number.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What limits on this process leave.
fn own(root: &Path) -> Option<u64> {
    let limits = fs::read_to_string(root.join("proc/self/limits")).ok()?;
    let status = fs::read_to_string(root.join("proc/self/status")).ok()?;
    let left = OWN_LIMITS.iter().filter_map(|(limit, used)| {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        // The first of the two numbers holds; "unlimited" is none.
        let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(limit.saturating_sub(kibibytes(&status, used)?))
    });
    left.min()
}

/// What this process's groups leave: each one holds for all below it.
fn in_groups(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let left = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let (mounts, files): (&[&str], _) = match controllers {
            "" => (&["sys/fs/cgroup", "sys/fs/cgroup/unified"], UNIFIED),
            list if list.split(',').any(|controller| controller == "memory") => {
                (&["sys/fs/cgroup/memory"], LEGACY)
            }
            _ => return None,
        };
        // A container sees its own group as the outermost one, whatever that is called outside.
        let group = Path::new(group.trim_start_matches('/'));
        let folders = mounts.iter().flat_map(|mount| {
            let mount = root.join(mount);
            group.ancestors().map(move |group| mount.join(group))
        });
        folders.filter_map(|folder| in_group(&folder, &files)).min()
    });
    left.min()
}

/// What the group in a folder leaves; `None` if it has no limit.
fn in_group(folder: &Path, files: &Files) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    let (limit, usage) = (number(files.limit)?, number(files.usage)?);
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let kept = stat.lines().filter_map(|line| {
        let (name, bytes) = line.split_once(' ')?;
        let bytes: u64 = bytes.trim().parse().ok()?;
        files.kept.contains(&name).then_some(bytes)
    });
    let taken = usage.saturating_sub(kept.fold(0, u64::saturating_add));
    Some(limit.saturating_sub(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system of these files.
    fn system(files: &[(&str, &str)]) -> Option<Free> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Free::below(root.path())
    }

    const MEMORY: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       24000 kB\nMemAvailable:   20000 kB\n",
    );

    #[test]
    fn the_machine_tells_what_it_has() {
        let free = system(&[MEMORY]).unwrap();
        assert_eq!((free.memory, free.own), (20_000 * 1024, u64::MAX));
        assert_eq!(free.bytes(), 20_000 * 1024);
        assert_eq!(system(&[]), None);
        assert_eq!(system(&[("proc/meminfo", "nothing")]), None);
    }

    #[test]
    fn a_group_leaves_what_files_do_not_need() {
        let own = ("proc/self/cgroup", "0::/a/b\n");
        let inner = [
            ("sys/fs/cgroup/a/b/memory.max", "9000000\n"),
            ("sys/fs/cgroup/a/b/memory.current", "5000000\n"),
            (
                "sys/fs/cgroup/a/b/memory.stat",
                "anon 1000000\ninactive_file 2500000\nactive_file 500000\n",
            ),
        ];
        let free = |files: &[(&str, &str)]| {
            system(&[&[MEMORY, own], &inner[..], files].concat())
                .unwrap()
                .memory
        };
        assert_eq!(free(&[]), 7_000_000);
        // A group around it holds, too.
        let outer = [
            ("sys/fs/cgroup/a/memory.max", "8000000"),
            ("sys/fs/cgroup/a/memory.current", "5000000"),
        ];
        assert_eq!(free(&outer), 3_000_000);
        let none = [("sys/fs/cgroup/a/memory.max", "max")];
        assert_eq!(free(&none), 7_000_000);
    }

    #[test]
    fn groups_of_the_first_version_are_read() {
        let files = [
            MEMORY,
            (
                "proc/self/cgroup",
                "5:cpu:/x\n4:hugetlb,memory:/x/y\n0::/\n",
            ),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "8000000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "7000000\n"),
            (
                "sys/fs/cgroup/memory/memory.stat",
                "cache 6000000\ninactive_file 1\ntotal_inactive_file 4000000\n",
            ),
            (
                "sys/fs/cgroup/memory/x/y/memory.limit_in_bytes",
                "9223372036854771712",
            ),
            ("sys/fs/cgroup/memory/x/y/memory.usage_in_bytes", "100"),
        ];
        assert_eq!(system(&files).unwrap().memory, 5_000_000);
    }

    #[test]
    fn limits_of_the_process_count() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max data size             unlimited            unlimited            bytes\n\
                      Max address space         4096000              8192000              bytes\n";
        let files = [
            MEMORY,
            ("proc/self/limits", limits),
            (
                "proc/self/status",
                "VmPeak:\t 9000 kB\nVmSize:\t    3000 kB\n",
            ),
        ];
        let free = system(&files).unwrap();
        assert_eq!(free.own, 4_096_000 - 3_000 * 1024);
        assert_eq!(free.bytes(), free.own);
    }
}
