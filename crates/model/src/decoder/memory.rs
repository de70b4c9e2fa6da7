//! How many tokens there is memory for.

use crate::gguf::GgufError;

use super::cache::Shape;

/// Keys and values may take one part in so many of the memory that is free at load.
const SHARE: u64 = 2;
/// A context that is taken even where the system does not tell how much memory is free.
const USUAL_CONTEXT: usize = 4096;

/// The number of tokens to make room for: as many as `asked` for, or as the model was `trained`
/// for, as far as memory goes.
///
/// # Errors
/// When more were asked for than there is memory for.
pub(super) fn context(
    shape: Shape,
    trained: usize,
    asked: Option<usize>,
) -> Result<usize, GgufError> {
    context_within(shape, trained, asked, free_bytes())
}

fn context_within(
    shape: Shape,
    trained: usize,
    asked: Option<usize>,
    free: Option<u64>,
) -> Result<usize, GgufError> {
    let token_bytes = shape.token_bytes() as u64;
    let possible = match free {
        Some(free) => usize::try_from(free / SHARE / token_bytes).unwrap_or(usize::MAX),
        None => asked.unwrap_or(USUAL_CONTEXT),
    };
    let wanted = asked.unwrap_or(usize::MAX).clamp(1, trained);
    match asked {
        Some(_) if wanted > possible => Err(GgufError::Unsupported(
            format!(
                "a context of {wanted} tokens takes {} MB for keys and values, and half of the \
                 free memory has room for {possible} tokens",
                wanted as u64 * token_bytes / 1_000_000
            ),
            "ask for a shorter context or close other programs".into(),
        )),
        _ => Ok(wanted.min(possible).max(1)),
    }
}

/// Bytes of memory that programs may still take; `None` where the system does not tell.
pub(crate) fn free_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = available(&meminfo)?;
    Some(match group_free() {
        Some(group) => free.min(group),
        None => free,
    })
}

/// The memory that `/proc/meminfo` calls available.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What a container leaves to its processes.
fn group_free() -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::CachePrecision;

    #[test]
    fn the_context_is_the_least_of_what_is_trained_possible_and_asked() {
        let shape = Shape {
            layers: 30,
            heads: 3,
            head: 64,
            precision: CachePrecision::F16,
        };
        // Keys and values, two bytes each.
        let token = 30 * 3 * 64 * 2 * 2;
        let context = |asked, tokens: Option<u64>| {
            context_within(shape, 8192, asked, tokens.map(|tokens| 2 * token * tokens))
        };
        assert_eq!(context(None, Some(1 << 20)).unwrap(), 8192);
        assert_eq!(context(None, Some(1000)).unwrap(), 1000);
        assert_eq!(context(None, None).unwrap(), 4096);
        assert_eq!(context(Some(512), Some(1000)).unwrap(), 512);
        assert_eq!(context(Some(0), Some(1000)).unwrap(), 1);
        assert_eq!(context(Some(1 << 40), Some(1 << 20)).unwrap(), 8192);
        let Err(GgufError::Unsupported(what, _)) = context(Some(2000), Some(1000)) else {
            panic!("more than there is memory for");
        };
        assert!(what.contains("2000") && what.contains("1000"), "{what}");
    }

    #[test]
    fn free_memory_is_read_as_the_kernel_writes_it() {
        let meminfo = "MemTotal:       24000 kB\nMemAvailable:   20000 kB\n";
        assert_eq!(available(meminfo), Some(20_000 * 1024));
        assert_eq!(available("nothing"), None);
    }
}
