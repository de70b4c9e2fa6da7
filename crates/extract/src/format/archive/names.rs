//! Names of archive entries, which old programs wrote in the character set of their system.

use crate::charset;

/// Decodes the names of one archive: UTF-8 where all are, else one character set for all.
///
/// A name is too short to tell its character set by; together they often do.
pub(super) fn decode(raw: &[Vec<u8>]) -> Vec<String> {
    let odd: Vec<&[u8]> = raw
        .iter()
        .map(Vec::as_slice)
        .filter(|name| std::str::from_utf8(name).is_err())
        .collect();
    let encoding = charset::multi_byte(&odd.join(&b'\n'));
    let decoded = |name: &Vec<u8>| match (std::str::from_utf8(name), encoding) {
        (Ok(name), _) => name.to_owned(),
        (Err(_), Some(encoding)) => encoding.decode_without_bom_handling(name).0.into_owned(),
        (Err(_), None) => name.iter().map(|byte| cp437(*byte)).collect(),
    };
    raw.iter().map(decoded).collect()
}

/// A byte of the character set of the IBM PC, which the ZIP format takes for granted.
fn cp437(byte: u8) -> char {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                         └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(at) => UPPER.chars().nth(usize::from(at)).unwrap_or('\u{fffd}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_half_is_whole() {
        assert_eq!(cp437(0x80), 'Ç');
        assert_eq!(cp437(0xe1), 'ß');
        assert_eq!(cp437(0xff), '\u{a0}');
        assert!((0x80..=0xff).all(|byte| cp437(byte) != '\u{fffd}'));
    }

    #[test]
    fn names_of_old_systems_are_read() {
        let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("文章１の内容.txt");
        let names = decode(&[japanese.to_vec(), b"plain.txt".to_vec()]);
        assert_eq!(names, ["文章１の内容.txt", "plain.txt"]);
        assert_eq!(decode(&[b"Stra\xe1e.txt".to_vec()]), ["Straße.txt"]);
        assert_eq!(decode(&["Übung.txt".as_bytes().to_vec()]), ["Übung.txt"]);
    }
}
