//! Paths and colours, as far as they tell where rules and grounds are.

use hayro_syntax::object::{Name, Number, Object};
use hayro_syntax::page::Resources;

use super::geometry::Bounds;

/// As many parts of one path are kept.
const MAX_PARTS: usize = 20_000;

/// Rectangles thinner than this are rules.
pub(super) const MAX_RULE: f32 = 2.5;

/// The edges of a rectangle, as rules.
pub(super) fn frame(bounds: Bounds) -> [Bounds; 4] {
    let Bounds {
        left,
        top,
        right,
        bottom,
    } = bounds;
    [
        Bounds {
            bottom: top,
            ..bounds
        },
        Bounds {
            top: bottom,
            ..bounds
        },
        Bounds {
            right: left,
            ..bounds
        },
        Bounds {
            left: right,
            ..bounds
        },
    ]
}

/// The path under construction, as far as it consists of upright rectangles and lines.
#[derive(Default)]
pub(super) struct Path {
    pub(super) at: (f64, f64),
    pub(super) begin: (f64, f64),
    pub(super) rectangles: Vec<Bounds>,
    pub(super) lines: Vec<Bounds>,
    pub(super) bounds: Option<Bounds>,
    /// The lines since the last move, which may draw a rectangle.
    pub(super) corners: Vec<(f64, f64)>,
}

impl Path {
    pub(super) fn touch(&mut self, (x, y): (f64, f64)) {
        let point = Bounds::around([(x, y); 4]);
        self.bounds = Some(self.bounds.map_or(point, |bounds| bounds.union(point)));
        self.at = (x, y);
    }

    pub(super) fn move_to(&mut self, point: (f64, f64)) {
        self.touch(point);
        self.begin = point;
        self.corners.clear();
        self.corners.push(point);
    }

    pub(super) fn line_to(&mut self, point: (f64, f64)) {
        if self.lines.len() < MAX_PARTS {
            self.lines
                .push(Bounds::around([self.at, point, self.at, point]));
        }
        if self.corners.len() < 8 {
            self.corners.push(point);
        }
        self.touch(point);
    }

    pub(super) fn curve_to(&mut self, point: (f64, f64)) {
        self.touch(point);
    }

    pub(super) fn rectangle(&mut self, bounds: Bounds) {
        self.bounds = Some(self.bounds.map_or(bounds, |all| all.union(bounds)));
        if self.rectangles.len() < MAX_PARTS {
            self.rectangles.push(bounds);
        }
    }

    /// The thin rectangle that lines draw, as some programs draw their rules.
    pub(super) fn drawn_rectangle(&self) -> Option<Bounds> {
        let bounds = self.bounds?;
        let thin = bounds.width().min(bounds.height()) < MAX_RULE;
        ((4..=5).contains(&self.corners.len()) && thin && self.rectangles.is_empty())
            .then_some(bounds)
    }
}

/// Whether a colour of one, three or four numbers (gray, RGB, CMYK) is white.
pub(super) fn is_white(color: &[Number]) -> bool {
    match color.len() {
        1 | 3 => color.iter().all(|part| part.as_f32() > 0.97),
        4 => color.iter().all(|part| part.as_f32() < 0.03),
        _ => false,
    }
}

/// Whether the numbers of a colour space say how light a colour is: not those of inks
/// (`Separation`), palettes or patterns.
pub(super) fn has_plain_colors(name: &Name<'_>, resources: &Resources<'_>) -> bool {
    let plain = |kind: &str| {
        matches!(
            kind,
            "DeviceGray" | "DeviceRGB" | "DeviceCMYK" | "CalGray" | "CalRGB" | "ICCBased"
        )
    };
    match resources.get_color_space(name) {
        Some(Object::Array(space)) => space
            .iter::<Object<'_>>()
            .next()
            .and_then(Object::into_name)
            .is_some_and(|kind| plain(kind.as_str())),
        Some(Object::Name(kind)) => plain(kind.as_str()),
        _ => plain(name.as_str()),
    }
}
