//! The code pages of fonts.

use std::collections::HashMap;

use encoding_rs::*;

/// The code page of each font, and of text in none.
#[derive(Debug)]
pub(super) struct Fonts {
    pages: HashMap<i32, &'static Encoding>,
    pub(super) default: &'static Encoding,
    /// The font that the table is at.
    current: Option<i32>,
}

impl Fonts {
    pub(super) fn new() -> Fonts {
        Fonts {
            pages: HashMap::new(),
            default: WINDOWS_1252,
            current: None,
        }
    }

    pub(super) fn of(&self, font: i32) -> &'static Encoding {
        self.pages.get(&font).copied().unwrap_or(self.default)
    }

    /// Takes in a control word of the font table.
    pub(super) fn word(&mut self, word: &str, number: Option<i32>) {
        let page = match (word, number) {
            ("f", number) => {
                self.current = number;
                None
            }
            ("fcharset", Some(charset)) => by_charset(charset),
            ("cpg", Some(page)) => by_code_page(page),
            _ => None,
        };
        if let (Some(font), Some(page)) = (self.current, page) {
            self.pages.insert(font, page);
        }
    }
}

/// The encoding with a number of Windows' code pages.
pub(in super::super) fn by_code_page(page: i32) -> Option<&'static Encoding> {
    Some(match page {
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1252 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        866 => IBM866,
        10000 => MACINTOSH,
        10007 => X_MAC_CYRILLIC,
        20866 => KOI8_R,
        54936 => GB18030,
        65001 => UTF_8,
        _ => return None,
    })
}

/// The encoding with a number of Windows' character sets; `None` for the default.
fn by_charset(charset: i32) -> Option<&'static Encoding> {
    Some(match charset {
        77 => MACINTOSH,
        128 => SHIFT_JIS,
        129 | 130 => EUC_KR,
        134 => GBK,
        136 => BIG5,
        161 => WINDOWS_1253,
        162 => WINDOWS_1254,
        163 => WINDOWS_1258,
        177 => WINDOWS_1255,
        178 => WINDOWS_1256,
        186 => WINDOWS_1257,
        204 => WINDOWS_1251,
        222 => WINDOWS_874,
        238 => WINDOWS_1250,
        _ => return None,
    })
}
