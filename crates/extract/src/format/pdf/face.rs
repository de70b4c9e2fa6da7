//! The fonts of a PDF: from the codes of a shown string to characters and advances.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hayro_cmap::{BfString, CMap, CidFamily};
use hayro_font::{
    CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, StandardFont,
};
use hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};
use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

/// All fonts of a document, each loaded when it is first used.
pub(super) struct Faces<'a> {
    cache: FontCache<'a>,
    fonts: FontResolverFn,
    cmaps: CMapResolverFn,
    /// Whether a font was left out because it describes more than any font has.
    pub(super) oversized: bool,
    /// By the address of the font's dictionary, which stays where it is.
    faces: HashMap<usize, Option<Rc<Face<'a>>>>,
}

impl<'a> Faces<'a> {
    pub(super) fn new() -> Faces<'a> {
        Faces {
            cache: FontCache::new(),
            fonts: Arc::new(|query| {
                let font = match query {
                    FontQuery::Standard(font) => *font,
                    FontQuery::Fallback(query) => query.pick_standard_font(),
                };
                Some(font.get_font_data())
            }),
            cmaps: Arc::new(hayro_cmap::load_embedded),
            oversized: false,
            faces: HashMap::new(),
        }
    }

    /// The font that a dictionary describes, if it can be read at all.
    pub(super) fn get(&mut self, dict: &Dict<'a>) -> Option<Rc<Face<'a>>> {
        let key = dict.data().as_ptr() as usize;
        if let Some(face) = self.faces.get(&key) {
            return face.clone();
        }
        if is_oversized(dict) {
            self.oversized = true;
            self.faces.insert(key, None);
            return None;
        }
        let font = self.cache.font(dict, &self.fonts, &self.cmaps);
        let face = font.map(|font| Rc::new(Face::new(font, dict)));
        self.faces.insert(key, face.clone());
        face
    }

    /// What a string is read with that no font was chosen for.
    pub(super) fn standard(&self) -> Option<Rc<Face<'a>>> {
        let font = self
            .cache
            .standard_font(StandardFont::Helvetica, &self.fonts)?;
        Some(Rc::new(Face::new(font, &Dict::empty())))
    }
}

/// Whether a font's widths are for more codes than there are: the library would make an entry
/// for each.
fn is_oversized(dict: &Dict<'_>) -> bool {
    const MAX_CODE: u32 = 0xffff;
    let first = dict.get::<u32>("FirstChar").unwrap_or(0);
    let descendants = dict.get::<Array<'_>>("DescendantFonts");
    let descendant = descendants.and_then(|all| all.iter::<Dict<'_>>().next());
    let widths = |key: &str| descendant.as_ref()?.get::<Array<'_>>(key);
    // Every number that may be the end of a range of codes; widths are below that.
    let over = |widths: Array<'_>| {
        let mut numbers = widths.iter::<Object<'_>>();
        numbers.any(|part| matches!(part, Object::Number(n) if n.as_f64() > f64::from(MAX_CODE)))
    };
    first > MAX_CODE || ["W", "W2"].into_iter().filter_map(widths).any(over)
}

/// What a code of a font stands for.
#[derive(Debug)]
pub(super) struct Code {
    /// Its characters, compatibility forms resolved; U+FFFD where nothing tells.
    pub(super) text: Box<str>,
    /// How far it moves the pen along the line, in thousandths of the font size.
    pub(super) advance: f32,
}

/// One font.
pub(super) struct Face<'a> {
    font: Font<'a>,
    /// Whether its name says that it is bold.
    pub(super) bold: bool,
    /// Whether lines run from top to bottom.
    pub(super) vertical: bool,
    composite: bool,
    dict: Dict<'a>,
    codes: RefCell<FxHashMap<u32, Rc<Code>>>,
    unnamed: RefCell<Option<Unnamed>>,
}

impl<'a> Face<'a> {
    fn new(font: Font<'a>, dict: &Dict<'a>) -> Face<'a> {
        let name = dict.get::<Name<'_>>("BaseFont");
        let name = name.as_ref().map_or("", |name| name.as_str());
        Face {
            bold: ["Bold", "bold", "Black", "Heavy", "-Demi", "CMBX", "BOLD"]
                .iter()
                .any(|weight| name.contains(weight)),
            vertical: !font.is_horizontal(),
            composite: dict
                .get::<Name<'_>>("Subtype")
                .is_some_and(|subtype| subtype.as_str() == "Type0"),
            font,
            dict: dict.clone(),
            codes: RefCell::default(),
            unnamed: RefCell::default(),
        }
    }

    /// The code at `at` and its length in bytes.
    pub(super) fn read(&self, bytes: &[u8], at: usize) -> (u32, usize) {
        let (code, length) = self.font.read_code(bytes, at);
        (code, length.max(1))
    }

    /// What a code stands for.
    pub(super) fn code(&self, code: u32) -> Rc<Code> {
        if let Some(known) = self.codes.borrow().get(&code) {
            return known.clone();
        }
        let advance = self.font.code_advance(code);
        let advance = if self.vertical { advance.y } else { advance.x };
        let fresh = Rc::new(Code {
            text: self.text(code).into(),
            advance: advance as f32,
        });
        self.codes.borrow_mut().insert(code, fresh.clone());
        fresh
    }

    fn text(&self, code: u32) -> String {
        let glyph = self.font.map_code(code);
        let known = match self.font.glyph(glyph, code) {
            FontGlyph::Outline(outline) => outline.as_unicode(),
            FontGlyph::Type3(drawing) => drawing.as_unicode(),
        };
        let told = match known {
            Some(BfString::Char(c)) => Some(c.to_string()),
            Some(BfString::String(text)) => Some(text),
            None => None,
        };
        let told = told.filter(|text| !text.is_empty() && text != "\0");
        match told.or_else(|| self.unnamed_text(code)) {
            Some(text) => tidy(&text),
            None => '\u{fffd}'.to_string(),
        }
    }

    /// The text of a code that neither a map to Unicode nor a glyph's name tells.
    fn unnamed_text(&self, code: u32) -> Option<String> {
        if self.composite {
            let mut unnamed = self.unnamed.borrow_mut();
            let unnamed = unnamed.get_or_insert_with(|| Unnamed::of(&self.dict));
            let glyph = self.font.map_code(code);
            return match unnamed {
                Unnamed::Collection { encoding, unicode } => {
                    let cid = (1..=4).find_map(|n| encoding.lookup_cid_code(code, n))?;
                    unicode_of_cid(unicode, cid)
                }
                Unnamed::Program => {
                    let FontGlyph::Outline(outline) = self.font.glyph(glyph, code) else {
                        return None;
                    };
                    let data = outline.font_data()?;
                    let map = program_map((*data.data).as_ref());
                    let text = map.get(&glyph.to_u32()).map(char::to_string);
                    *unnamed = Unnamed::Glyphs(map);
                    text
                }
                Unnamed::Glyphs(map) => map.get(&glyph.to_u32()).map(char::to_string),
            };
        }
        // Fonts of old TeX have no names for their glyphs; their codes are nearly ASCII.
        let ligatures = ["ff", "fi", "fl", "ffi", "ffl"];
        match code {
            11..=15 => Some(ligatures[code as usize - 11].to_owned()),
            33..=126 => char::from_u32(code).map(String::from),
            _ => None,
        }
    }
}

/// Where the characters of a composite font without a map to Unicode come from.
enum Unnamed {
    /// One of Adobe's character collections, which give every CID its character.
    Collection {
        encoding: Box<CMap>,
        unicode: Box<CMap>,
    },
    /// The embedded font program, not yet looked into.
    Program,
    /// The embedded font program's own table, turned round.
    Glyphs(FxHashMap<u32, char>),
}

impl Unnamed {
    fn of(dict: &Dict<'_>) -> Unnamed {
        Unnamed::collection(dict).unwrap_or(Unnamed::Program)
    }

    fn collection(dict: &Dict<'_>) -> Option<Unnamed> {
        let descendants = dict.get::<Array<'_>>("DescendantFonts")?;
        let descendant = descendants.iter::<Dict<'_>>().next()?;
        let info = descendant.get::<Dict<'_>>("CIDSystemInfo")?;
        let registry = info.get::<PdfString<'_>>("Registry")?;
        let ordering = info.get::<PdfString<'_>>("Ordering")?;
        let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
        let data = hayro_cmap::load_embedded(family.ucs2_cmap()?)?;
        let encoding = match dict.get::<Object<'_>>("Encoding")? {
            Object::Name(name) => match name.as_str() {
                "Identity-H" | "Identity-V" => CMap::identity_h(),
                _ => {
                    let name = hayro_cmap::CMapName::from_bytes(name.as_ref());
                    CMap::parse(hayro_cmap::load_embedded(name)?, hayro_cmap::load_embedded)?
                }
            },
            Object::Stream(stream) => {
                CMap::parse(&stream.decoded_data().ok()?, hayro_cmap::load_embedded)?
            }
            _ => return None,
        };
        Some(Unnamed::Collection {
            encoding: Box::new(encoding),
            unicode: Box::new(CMap::parse(data, hayro_cmap::load_embedded)?),
        })
    }
}

/// The characters of a CID by one of Adobe's `UCS2` maps.
fn unicode_of_cid(unicode: &CMap, cid: u32) -> Option<String> {
    match unicode.lookup_bf_string(cid) {
        Some(BfString::Char(c)) => Some(c.to_string()),
        Some(BfString::String(text)) => Some(text),
        None => {
            let code = (1..=4).find_map(|n| unicode.lookup_cid_code(cid, n))?;
            char::from_u32(code).map(String::from)
        }
    }
}

/// The character of every glyph of a font program, by its own table.
fn program_map(program: &[u8]) -> FxHashMap<u32, char> {
    use skrifa::MetadataProvider;
    let Ok(font) = skrifa::FontRef::new(program) else {
        return FxHashMap::default();
    };
    let mappings = font.charmap().mappings();
    mappings
        .filter_map(|(c, glyph)| Some((glyph.to_u32(), char::from_u32(c)?)))
        .collect()
}

/// Ligatures and presentation forms become the letters that they stand for, and what can only
/// be a mistake of the map goes.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fdf}' => {
                tidy.extend(std::iter::once(c).nfkc())
            }
            '\t' | '\n' | '\r' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}' => tidy.push(' '),
            '\u{feff}' | '\u{200b}' => {}
            c if c.is_control() => tidy.push('\u{fffd}'),
            c => tidy.push(c),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_become_letters() {
        assert_eq!(tidy("\u{fb01}nd the o\u{fb03}ce"), "find the office");
        assert_eq!(tidy("a\u{a0}b\u{1}"), "a b\u{fffd}");
        assert_eq!(tidy("\u{fefb}"), "\u{644}\u{627}");
    }
}
