//! The filter on system calls.
//!
//! A worker has a list of what is allowed: memory, threads, clocks, random numbers, and reading
//! and writing what is open already. That is a small and steady set, the same for glibc and musl,
//! because everything that differs between them (starting up, loading libraries, finding names) is
//! over when the filter is set. Whatever is not on the list fails with `EPERM`, as on a system
//! that does not allow it, rather than ending the process: a library that asks for something odd
//! falls back or fails on one file.
//!
//! A helper program that is executed does start up and load libraries, in ways that differ from
//! system to system; for it there is a list of what is denied.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Allowed whatever the arguments.
const ALLOWED: &[c_long] = &[
    // What is open already.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_recvmsg,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_ppoll,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads and their signals.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_membarrier,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Clocks, random numbers, what this process is and uses.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
];

/// Older calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[libc::SYS_poll, libc::SYS_time, libc::SYS_getrlimit];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// What a program that only computes has no use for, and whoever took it over would.
const DENIED_TO_HELPERS: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kill,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
];

/// Names of threads and of memory, which libraries set; the kernel's header has them.
const PR_SET_NAME: u64 = 15;
const PR_SET_VMA: u64 = 0x5356_4d41;

/// Sets the filter of a worker on this thread and on those it starts; whether that worked.
pub(super) fn worker() -> bool {
    let set = || -> Result<(), seccompiler::Error> {
        // The flags of `clone3` lie in memory, where no filter can see that it is a thread which
        // is started. Told that there is no such call, libraries take `clone`. This one comes
        // first: the other allows no further filter.
        apply(
            Rules::from([(libc::SYS_clone3, Vec::new())]),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::ENOSYS as u32),
        )?;
        apply(
            worker_rules()?,
            SeccompAction::Errno(libc::EPERM as u32),
            SeccompAction::Allow,
        )
    };
    set().is_ok()
}

/// Sets the filter of a helper program on this thread and on what it starts.
pub(super) fn helper() {
    let rules = DENIED_TO_HELPERS.iter().map(|call| (*call, Vec::new()));
    // A kernel without filters leaves the program as it would be anyway.
    let _ = apply(
        rules.collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
    );
}

fn worker_rules() -> Result<Rules, seccompiler::Error> {
    let always = ALLOWED.iter().chain(ALLOWED_HERE);
    let mut rules: Rules = always.map(|call| (*call, Vec::new())).collect();
    let pid = u64::from(std::process::id());
    // The other filter answers for it; here it has to pass.
    rules.insert(libc::SYS_clone3, Vec::new());
    rules.insert(libc::SYS_clone, vec![flag(0, libc::CLONE_THREAD as u64)?]);
    // A process may end itself, which is how a panic within a panic ends.
    rules.insert(libc::SYS_tgkill, vec![equal(0, pid)?]);
    // Its own bounds: 0 is the calling process.
    rules.insert(libc::SYS_prlimit64, vec![equal(0, 0)?]);
    rules.insert(
        libc::SYS_prctl,
        vec![equal(0, PR_SET_NAME)?, equal(0, PR_SET_VMA)?],
    );
    let duplicating = [
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
    ];
    let duplicating = duplicating.map(|command| equal(1, command as u64));
    rules.insert(
        libc::SYS_fcntl,
        duplicating.into_iter().collect::<Result<_, _>>()?,
    );
    // Metadata of what is open: that is how libraries ask for it today.
    let open_already = libc::AT_EMPTY_PATH as u64;
    rules.insert(libc::SYS_newfstatat, vec![flag(3, open_already)?]);
    rules.insert(libc::SYS_statx, vec![flag(2, open_already)?]);
    Ok(rules)
}

fn equal(argument: u8, value: u64) -> Result<SeccompRule, seccompiler::Error> {
    condition(argument, SeccompCmpOp::Eq, value)
}

/// The bits of `bit` are set.
fn flag(argument: u8, bit: u64) -> Result<SeccompRule, seccompiler::Error> {
    condition(argument, SeccompCmpOp::MaskedEq(bit), bit)
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::Error> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    SeccompRule::new(vec![condition.map_err(backend)?]).map_err(backend)
}

fn backend(error: seccompiler::BackendError) -> seccompiler::Error {
    seccompiler::Error::Backend(error)
}

fn apply(
    rules: Rules,
    otherwise: SeccompAction,
    on_match: SeccompAction,
) -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into().map_err(backend)?;
    let filter = SeccompFilter::new(rules, otherwise, on_match, arch).map_err(backend)?;
    let program: BpfProgram = filter.try_into().map_err(backend)?;
    apply_filter(&program)
}
