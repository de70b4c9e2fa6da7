//! What the content streams of a page paint: words, rules, pictures and grounds.
//!
//! PDF 32000-1:2008, chapters 8 and 9, as far as the text and what lies behind it go.

use std::collections::HashSet;
use std::rc::Rc;

use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_syntax::object::{
    Array, Dict, Name, Number, ObjRef, Object, Stream, String as PdfString,
};
use hayro_syntax::page::{Page, Resources};

use super::face::{Face, Faces};
use super::geometry::{Bounds, Matrix};
use super::paint::{MAX_RULE, Path, frame, has_plain_colors, is_white};
use super::streams::{Unread, page_content, unpack};
use super::words::{Glyph, Style, Word, Words};
use crate::job::Job;

/// Forms within forms: so many deep.
const MAX_DEPTH: usize = 16;

/// Graphics states within each other: so many.
const MAX_STATES: usize = 512;

/// A page with more operators is not read to its end.
const MAX_OPERATORS: usize = 20_000_000;

/// A page that shows more forms is not read to its end.
const MAX_FORMS: usize = 10_000;

/// After so many operators the time is looked at.
const LOOK_AT_CLOCK: usize = 1 << 14;

/// A page with more glyphs is not read to its end.
const MAX_GLYPHS: usize = 2_000_000;

/// As many rules and grounds of a page are kept.
const MAX_MARKS: usize = 20_000;

/// A filled or framed stretch of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground {
    pub(super) bounds: Bounds,
    /// Whether it is white, so that white text on it is not seen.
    white: bool,
}

/// What a page shows, in points from its top left corner.
#[derive(Default)]
pub(super) struct Surface {
    /// Width and height as the page is displayed.
    pub(super) size: (f32, f32),
    pub(super) words: Vec<Word>,
    /// Straight lines, horizontal and vertical: the frames of tables.
    pub(super) rules: Vec<Bounds>,
    pub(super) pictures: Vec<Bounds>,
    grounds: Vec<Ground>,
    /// Paths that were painted, of any form.
    pub(super) paths: usize,
    /// Bytes of shown strings that no font could be found for.
    pub(super) unread: usize,
    /// Whether not everything was read because there was too much.
    pub(super) cut: bool,
}

/// What of a graphics state matters for text.
#[derive(Clone)]
struct State<'a> {
    ctm: Matrix,
    /// Whether the fill colour is white.
    white: bool,
    /// Whether the numbers of the fill's colour space tell how light it is.
    plain_colors: bool,
    transparent: bool,
    face: Option<Rc<Face<'a>>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
    mode: i64,
}

/// What a stretch of marked content says of itself.
#[derive(Clone, Default)]
struct Mark {
    artifact: bool,
    hidden: bool,
    /// The text that stands for all glyphs of the stretch, until it has been used.
    actual: Option<Option<String>>,
}

/// Reads the content of pages.
pub(super) struct Reader<'f, 'a> {
    faces: &'f mut Faces<'a>,
    /// Layers that are switched off.
    off: &'f HashSet<ObjRef>,
    job: &'f Job<'f>,
    surface: Surface,
    words: Words,
    states: Vec<State<'a>>,
    state: State<'a>,
    text: Matrix,
    line: Matrix,
    path: Path,
    marks: Vec<Mark>,
    depth: usize,
    forms: usize,
    operators: usize,
    glyphs: usize,
}

/// What a page shows.
///
/// # Errors
/// Why its content cannot be unpacked.
pub(super) fn read<'a>(
    page: &Page<'a>,
    faces: &mut Faces<'a>,
    off: &HashSet<ObjRef>,
    job: &Job<'_>,
) -> Result<Surface, Unread> {
    let content = page_content(page, job)?;
    let ctm = Matrix(page.initial_transform(true).as_coeffs());
    let mut reader = Reader::new(faces, off, job, ctm, page.render_dimensions());
    reader.run(&content, page.resources());
    Ok(reader.finish())
}

impl<'f, 'a> Reader<'f, 'a> {
    fn new(
        faces: &'f mut Faces<'a>,
        off: &'f HashSet<ObjRef>,
        job: &'f Job<'f>,
        ctm: Matrix,
        size: (f32, f32),
    ) -> Self {
        Reader {
            faces,
            off,
            job,
            surface: Surface {
                size,
                ..Surface::default()
            },
            words: Words::default(),
            states: Vec::new(),
            state: State {
                ctm,
                white: false,
                plain_colors: true,
                transparent: false,
                face: None,
                size: 1.0,
                char_space: 0.0,
                word_space: 0.0,
                stretch: 1.0,
                leading: 0.0,
                rise: 0.0,
                mode: 0,
            },
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            path: Path::default(),
            marks: Vec::new(),
            depth: 0,
            forms: 0,
            operators: 0,
            glyphs: 0,
        }
    }

    fn finish(self) -> Surface {
        let mut surface = self.surface;
        surface.words = self.words.finish();
        surface
    }

    fn run(&mut self, content: &[u8], resources: &Resources<'a>) {
        let mut operators = TypedIter::new(content);
        while let Some(operator) = operators.next() {
            self.operators += 1;
            let late = self.operators.is_multiple_of(LOOK_AT_CLOCK) && self.job.is_late();
            if late || self.operators > MAX_OPERATORS || self.glyphs > MAX_GLYPHS {
                self.surface.cut = true;
                self.operators = MAX_OPERATORS;
                return;
            }
            self.operator(operator, resources);
        }
    }

    fn operator(&mut self, operator: Op<'_, '_>, resources: &Resources<'a>) {
        match operator {
            Op::SaveState(_) if self.states.len() < MAX_STATES => {
                self.states.push(self.state.clone());
            }
            Op::RestoreState(_) => {
                if let Some(state) = self.states.pop() {
                    self.state = state;
                }
            }
            Op::Transform(m) => {
                self.state.ctm = matrix([m.0, m.1, m.2, m.3, m.4, m.5]).then(self.state.ctm);
            }
            Op::SetGraphicsState(name) => self.graphics_state(name.0, resources),
            Op::XObject(name) => self.x_object(name.0, resources),
            Op::InlineImage(_) => self.picture(),
            Op::BeginMarkedContent(mark) => self.begin_mark(mark.0, None, resources),
            Op::BeginMarkedContentWithProperties(mark) => {
                self.begin_mark(mark.0, Some(mark.1), resources);
            }
            Op::EndMarkedContent(_) => {
                self.marks.pop();
            }
            Op::Shading(_) => self.surface.paths += 1,
            other => {
                if !self.text_operator(&other, resources) && !self.color_operator(&other, resources)
                {
                    self.path_operator(&other);
                }
            }
        }
    }

    fn text_operator(&mut self, operator: &Op<'_, '_>, resources: &Resources<'a>) -> bool {
        match operator {
            Op::BeginText(_) => self.set_line(Matrix::IDENTITY),
            Op::EndText(_) => {}
            Op::CharacterSpacing(n) => self.state.char_space = n.0.as_f64(),
            Op::WordSpacing(n) => self.state.word_space = n.0.as_f64(),
            Op::HorizontalScaling(n) => self.state.stretch = n.0.as_f64() / 100.0,
            Op::TextLeading(n) => self.state.leading = n.0.as_f64(),
            Op::TextRise(n) => self.state.rise = n.0.as_f64(),
            Op::TextRenderingMode(n) => self.state.mode = n.0.as_i64(),
            Op::TextFont(font) => {
                self.state.size = font.1.as_f64();
                let dict = resources.get_font(font.0);
                self.state.face = dict.and_then(|dict| self.faces.get(&dict));
            }
            Op::NextLine(by) => self.set_line(self.line.moved(by.0.as_f64(), by.1.as_f64())),
            Op::NextLineAndSetLeading(by) => {
                self.state.leading = -by.1.as_f64();
                self.set_line(self.line.moved(by.0.as_f64(), by.1.as_f64()));
            }
            Op::SetTextMatrix(m) => self.set_line(matrix([m.0, m.1, m.2, m.3, m.4, m.5])),
            Op::NextLineUsingLeading(_) => self.next_line(),
            Op::ShowText(text) => self.show(text.0.as_bytes(), false),
            Op::NextLineAndShowText(text) => {
                self.next_line();
                self.show(text.0.as_bytes(), false);
            }
            Op::ShowTextWithParameters(show) => {
                self.state.word_space = show.0.as_f64();
                self.state.char_space = show.1.as_f64();
                self.next_line();
                self.show(show.2.as_bytes(), false);
            }
            Op::ShowTexts(parts) => {
                let mut parts = parts.0.iter::<Object<'_>>().peekable();
                while let Some(part) = parts.next() {
                    let goes_on = parts.peek().is_some();
                    match part {
                        Object::String(text) => self.show(text.as_bytes(), goes_on),
                        Object::Number(by) => self.adjust(by.as_f64()),
                        _ => {}
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn set_line(&mut self, line: Matrix) {
        self.line = line;
        self.text = line;
    }

    fn next_line(&mut self) {
        self.set_line(self.line.moved(0.0, -self.state.leading));
    }

    fn adjust(&mut self, thousandths: f64) {
        let by = -thousandths / 1000.0 * self.state.size;
        self.text = match self.is_vertical() {
            true => self.text.moved(0.0, by),
            false => self.text.moved(by * self.state.stretch, 0.0),
        };
    }

    fn is_vertical(&self) -> bool {
        self.state.face.as_ref().is_some_and(|face| face.vertical)
    }

    /// Paints a string, which another one of the same operator may go on with.
    fn show(&mut self, bytes: &[u8], goes_on: bool) {
        let face = match &self.state.face {
            Some(face) => face.clone(),
            None => match self.faces.standard().filter(|_| is_printable(bytes)) {
                Some(face) => face,
                None => {
                    self.surface.unread += bytes.len();
                    return;
                }
            },
        };
        let pen = Pen::of(&self.state, self.text, &face);
        let style = self.style(&face, pen.size);
        let mut at = 0;
        while at < bytes.len() {
            let (code, length) = face.read(bytes, at);
            at += length;
            let meaning = face.code(code);
            let mut advance = f64::from(meaning.advance) / 1000.0 * self.state.size;
            let from = pen.page(self.text);
            let mut after = self.state.char_space;
            if code == 32 && length == 1 {
                after += self.state.word_space;
            }
            let stretch = if face.vertical {
                1.0
            } else {
                self.state.stretch
            };
            advance *= stretch;
            let step = |by: f64| match face.vertical {
                true => self.text.moved(0.0, by),
                false => self.text.moved(by, 0.0),
            };
            // Letters that are spaced out are no words of their own.
            let spaced = (goes_on || at < bytes.len()) && self.state.char_space > 0.0;
            let wide = if spaced {
                self.state.char_space * stretch
            } else {
                0.0
            };
            let to = pen.page(step(advance + wide));
            self.text = step(advance + after * stretch);
            self.glyphs += 1;
            let glyph = Glyph {
                text: &meaning.text,
                from,
                to,
                size: pen.size,
                degrees: pen.degrees,
                style,
            };
            let bounds = Bounds::around([from, to, from, to]);
            self.paint(glyph, bounds);
        }
    }

    fn paint(&mut self, mut glyph: Glyph<'_>, bounds: Bounds) {
        let (width, height) = self.surface.size;
        let (x, y) = bounds.center();
        let slack = glyph.size;
        let outside = x < -slack || y < -slack || x > width + slack || y > height + slack;
        let seen =
            !self.state.white || glyph.style.invisible || self.on_color((x, y - 0.3 * slack));
        glyph.style.hidden |= outside || !seen;
        let actual = self
            .marks
            .iter_mut()
            .rev()
            .find_map(|mark| mark.actual.as_mut());
        match actual {
            None => self.words.push(glyph),
            Some(text) => {
                // The stretch's text stands on its first glyph; the others only make it longer.
                match text.take() {
                    Some(text) if !text.is_empty() => self.words.push(Glyph {
                        text: &text,
                        ..glyph
                    }),
                    _ => self.words.stretch(&glyph),
                }
            }
        }
    }

    /// Whether a point lies on a picture or on a ground that is not white.
    fn on_color(&self, point: (f32, f32)) -> bool {
        let ground = self.surface.grounds.iter().rev();
        let on_ground = ground
            .take(MAX_MARKS)
            .find(|ground| ground.bounds.holds(point))
            .is_some_and(|ground| !ground.white);
        on_ground
            || self
                .surface
                .pictures
                .iter()
                .any(|picture| picture.holds(point))
    }

    fn style(&self, face: &Face<'_>, size: f32) -> Style {
        let marks = &self.marks;
        Style {
            bold: face.bold,
            hidden: size < 1.0 || self.state.transparent || marks.iter().any(|mark| mark.hidden),
            invisible: matches!(self.state.mode, 3 | 7),
            artifact: marks.iter().any(|mark| mark.artifact),
        }
    }

    fn graphics_state(&mut self, name: &Name<'_>, resources: &Resources<'a>) {
        let Some(dict) = resources.get_ext_g_state(name) else {
            return;
        };
        if let Some(alpha) = dict.get::<f32>("ca") {
            self.state.transparent = alpha < 0.01;
        }
        if let Some(font) = dict.get::<Array<'a>>("Font") {
            let mut parts = font.iter::<Object<'a>>();
            if let Some(Object::Dict(font)) = parts.next() {
                self.state.face = self.faces.get(&font);
            }
            if let Some(Object::Number(size)) = parts.next() {
                self.state.size = size.as_f64();
            }
        }
    }

    fn color_operator(&mut self, operator: &Op<'_, '_>, resources: &Resources<'a>) -> bool {
        let white = match operator {
            Op::NonStrokeColorDeviceGray(c) => is_white(&[c.0]),
            Op::NonStrokeColorDeviceRgb(c) => is_white(&[c.0, c.1, c.2]),
            Op::NonStrokeColorCmyk(c) => is_white(&[c.0, c.1, c.2, c.3]),
            Op::NonStrokeColor(c) => self.state.plain_colors && is_white(&c.0),
            Op::NonStrokeColorNamed(c) => {
                self.state.plain_colors && c.1.is_none() && is_white(&c.0)
            }
            Op::ColorSpaceNonStroke(space) => {
                self.state.plain_colors = has_plain_colors(space.0, resources);
                false
            }
            _ => return false,
        };
        self.state.white = white;
        true
    }

    fn path_operator(&mut self, operator: &Op<'_, '_>) {
        let ctm = self.state.ctm;
        let point = |x: Number, y: Number| ctm.apply(x.as_f64(), y.as_f64());
        match operator {
            Op::MoveTo(p) => self.path.move_to(point(p.0, p.1)),
            Op::LineTo(p) => self.path.line_to(point(p.0, p.1)),
            Op::CubicTo(p) => self.path.curve_to(point(p.4, p.5)),
            Op::CubicStartTo(p) => self.path.curve_to(point(p.2, p.3)),
            Op::CubicEndTo(p) => self.path.curve_to(point(p.2, p.3)),
            Op::ClosePath(_) => self.path.line_to(self.path.begin),
            Op::RectPath(r) => {
                let [x, y, w, h] = [r.0, r.1, r.2, r.3].map(|n| n.as_f64());
                self.path.rectangle(ctm.bounds([x, y, x + w, y + h]));
            }
            Op::StrokePath(_) | Op::CloseAndStrokePath(_) => self.paint_path(false, true),
            Op::FillPathNonZero(_)
            | Op::FillPathNonZeroCompatibility(_)
            | Op::FillPathEvenOdd(_) => self.paint_path(true, false),
            Op::FillAndStrokeNonZero(_)
            | Op::FillAndStrokeEvenOdd(_)
            | Op::CloseFillAndStrokeNonZero(_)
            | Op::CloseFillAndStrokeEvenOdd(_) => self.paint_path(true, true),
            Op::EndPath(_) => self.path = Path::default(),
            _ => {}
        }
    }

    fn paint_path(&mut self, fill: bool, stroke: bool) {
        let path = std::mem::take(&mut self.path);
        let full = self.surface.rules.len() + self.surface.grounds.len() > MAX_MARKS;
        self.surface.paths += usize::from(!(fill && self.state.white));
        if full {
            return;
        }
        let rules = &mut self.surface.rules;
        for bounds in path.rectangles.iter().chain(path.drawn_rectangle().iter()) {
            if bounds.width().min(bounds.height()) < MAX_RULE {
                rules.extend((!(fill && self.state.white)).then_some(*bounds));
            } else if stroke {
                rules.extend(frame(*bounds));
            }
        }
        if stroke {
            rules.extend(
                path.lines
                    .iter()
                    .filter(|line| line.width().min(line.height()) < MAX_RULE),
            );
        }
        if let Some(bounds) = path.bounds.filter(|_| fill) {
            self.surface.grounds.push(Ground {
                bounds,
                white: self.state.white,
            });
        }
    }

    fn picture(&mut self) {
        let (width, height) = self.surface.size;
        let page = Bounds {
            left: 0.0,
            top: 0.0,
            right: width,
            bottom: height,
        };
        let bounds = self
            .state
            .ctm
            .bounds([0.0, 0.0, 1.0, 1.0])
            .intersection(page);
        if bounds.area() > 0.0 && self.surface.pictures.len() < MAX_MARKS {
            self.surface.pictures.push(bounds);
        }
    }

    fn x_object(&mut self, name: &Name<'_>, resources: &Resources<'a>) {
        let Some(stream) = resources.get_x_object(name) else {
            return;
        };
        if self.is_off(stream.dict()) {
            return;
        }
        match stream.dict().get::<Name<'_>>("Subtype").as_deref() {
            Some(b"Image") => self.picture(),
            Some(b"Form") => self.form(&stream, resources),
            _ => {}
        }
    }

    fn form(&mut self, stream: &Stream<'a>, resources: &Resources<'a>) {
        self.forms += 1;
        if self.depth >= MAX_DEPTH || self.forms > MAX_FORMS {
            self.surface.cut = true;
            return;
        }
        let Ok(content) = unpack(stream, self.job) else {
            self.surface.cut = true;
            return;
        };
        let own = stream
            .dict()
            .get::<Dict<'a>>("Resources")
            .map(Resources::new);
        let (state, text, line) = (self.state.clone(), self.text, self.line);
        let (states, marks) = (std::mem::take(&mut self.states), self.marks.len());
        if let Some(to_parent) = stream.dict().get::<[f64; 6]>("Matrix") {
            self.state.ctm = Matrix(to_parent).then(self.state.ctm);
        }
        self.depth += 1;
        self.run(&content, own.as_ref().unwrap_or(resources));
        self.depth -= 1;
        (self.state, self.text, self.line) = (state, text, line);
        self.states = states;
        self.marks.truncate(marks);
        self.path = Path::default();
    }

    fn begin_mark(
        &mut self,
        tag: &Name<'_>,
        properties: Option<&Object<'_>>,
        resources: &Resources<'a>,
    ) {
        let mut mark = Mark {
            artifact: false,
            ..Mark::default()
        };
        match properties {
            Some(Object::Dict(inline)) => mark.describe(tag, inline),
            Some(Object::Name(name)) => {
                if let Some(dict) = resources.properties.get::<Dict<'a>>(name) {
                    mark.describe(tag, &dict);
                    let group = resources.properties.get_ref(name);
                    let off = group.is_some_and(|group| self.off.contains(&group));
                    mark.hidden = tag.as_str() == "OC" && (off || self.is_off(&dict));
                }
            }
            _ => {}
        }
        if self.marks.len() < MAX_STATES {
            self.marks.push(mark);
        }
    }

    /// Whether a picture, a form or a group of layers is switched off.
    fn is_off(&self, dict: &Dict<'_>) -> bool {
        if self.off.is_empty() {
            return false;
        }
        let is_off = |group: ObjRef| self.off.contains(&group);
        dict.get_ref("OC").is_some_and(is_off) || dict.get_ref("OCGs").is_some_and(is_off)
    }
}

impl Mark {
    fn describe(&mut self, tag: &Name<'_>, properties: &Dict<'_>) {
        if tag.as_str() == "Artifact" {
            let kind = properties.get::<Name<'_>>("Type");
            self.artifact = kind.is_some_and(|kind| kind.as_str() == "Pagination");
        }
        if let Some(actual) = properties.get::<PdfString<'_>>("ActualText") {
            self.actual = Some(Some(super::info::decode(actual.as_bytes())));
        }
    }
}

/// What is the same for all glyphs of a shown string.
struct Pen {
    ctm: Matrix,
    rise: f64,
    size: f32,
    degrees: i16,
}

impl Pen {
    fn of(state: &State<'_>, text: Matrix, face: &Face<'_>) -> Pen {
        let [a, b, c, d, ..] = text.then(state.ctm).0;
        let (along, across) = match face.vertical {
            // Lines run down the page: along the negative y axis of the text's space.
            true => ((-c, -d), (a, b)),
            false => {
                let way = if state.size * state.stretch < 0.0 {
                    -1.0
                } else {
                    1.0
                };
                ((a * way, b * way), (c, d))
            }
        };
        let size = across.0.hypot(across.1) * state.size.abs();
        let degrees = along.1.atan2(along.0).to_degrees().round();
        let near = (degrees / 90.0).round() * 90.0;
        let degrees = if (degrees - near).abs() <= 2.0 {
            near
        } else {
            degrees
        };
        Pen {
            ctm: state.ctm,
            rise: state.rise,
            size: size as f32,
            degrees: (degrees as i16).rem_euclid(360),
        }
    }

    /// Where on the page a text matrix puts its origin.
    fn page(&self, text: Matrix) -> (f64, f64) {
        let (x, y) = text.apply(0.0, self.rise);
        self.ctm.apply(x, y)
    }
}

/// Whether a string can be read without its font.
fn is_printable(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn matrix(numbers: [Number; 6]) -> Matrix {
    Matrix(numbers.map(|number| number.as_f64()))
}
