//! RTF as Outlook packs it: LZFu, MS-OXRTFCP.

/// Words that most letters begin with; the window starts out with them.
const PRELOADED: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \
\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\
\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

const COMPRESSED: u32 = 0x7546_5a4c;
const UNCOMPRESSED: u32 = 0x414c_454d;

const WINDOW_BYTES: usize = 4096;

/// Larger bodies are not unpacked further.
const MAX_BYTES: usize = 32 << 20;

/// Unpacks a body; what is damaged ends it.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| {
        let bytes = packed.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let size = (number(4)? as usize).min(MAX_BYTES);
    let data = packed.get(16..)?;
    match number(8)? {
        UNCOMPRESSED => Some(data[..size.min(data.len())].to_vec()),
        COMPRESSED => Some(expand(data, size)),
        _ => None,
    }
}

fn expand(data: &[u8], size: usize) -> Vec<u8> {
    let mut window = [b' '; WINDOW_BYTES];
    window[..PRELOADED.len()].copy_from_slice(PRELOADED);
    let mut at = PRELOADED.len();
    let mut out = Vec::new();
    let mut put = |byte: u8, window: &mut [u8; WINDOW_BYTES], out: &mut Vec<u8>| {
        out.push(byte);
        window[at % WINDOW_BYTES] = byte;
        at = (at + 1) % WINDOW_BYTES;
        at
    };
    let mut bytes = data.iter().copied();
    let mut end = PRELOADED.len();
    while let Some(flags) = bytes.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return out;
            }
            if flags & (1 << bit) == 0 {
                let Some(byte) = bytes.next() else {
                    return out;
                };
                end = put(byte, &mut window, &mut out);
                continue;
            }
            let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                return out;
            };
            let reference = usize::from(high) << 8 | usize::from(low);
            let (offset, length) = (reference >> 4, (reference & 15) + 2);
            if offset == end {
                return out;
            }
            for step in 0..length {
                let byte = window[(offset + step) % WINDOW_BYTES];
                end = put(byte, &mut window, &mut out);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        // MS-OXRTFCP 4.1.1.
        let packed =
            b"\x2d\0\0\0\x2b\0\0\0\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\0\x0a\0\x72\x63\x70\
                       \x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\0\x20\x62\x77\x05\xb0\
                       \x6c\x64\x7d\x0a\x80\x0f\xa0";
        let text = unpack(packed).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&text),
            "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&bytes);
            let _ = expand(&bytes, 1 << 20);
        }
    }
}
