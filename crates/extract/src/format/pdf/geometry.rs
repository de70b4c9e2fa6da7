//! Boxes and affine maps on a page.

use docent_core::document::Area;

/// The map from (x, y) to (a x + c y + e, b x + d y + f), as PDF writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Matrix(pub(super) [f64; 6]);

impl Matrix {
    pub(super) const IDENTITY: Matrix = Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// First `self`, then `after`.
    pub(super) fn then(self, after: Matrix) -> Matrix {
        let ([a, b, c, d, e, f], m) = (self.0, after.0);
        Matrix([
            a * m[0] + b * m[2],
            a * m[1] + b * m[3],
            c * m[0] + d * m[2],
            c * m[1] + d * m[3],
            e * m[0] + f * m[2] + m[4],
            e * m[1] + f * m[3] + m[5],
        ])
    }

    /// The map that first moves by (x, y), then maps as `self`.
    pub(super) fn moved(self, x: f64, y: f64) -> Matrix {
        let [a, b, c, d, ..] = self.0;
        let (e, f) = self.apply(x, y);
        Matrix([a, b, c, d, e, f])
    }

    pub(super) fn apply(self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// The box around the image of a rectangle.
    pub(super) fn bounds(self, [x0, y0, x1, y1]: [f64; 4]) -> Bounds {
        let corners = [(x0, y0), (x0, y1), (x1, y0), (x1, y1)];
        Bounds::around(corners.map(|(x, y)| self.apply(x, y)))
    }
}

/// A box in points, y downwards.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bounds {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Bounds {
    /// The smallest box around points.
    pub(super) fn around(points: [(f64, f64); 4]) -> Bounds {
        let fold = |pick: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64| {
            points.iter().map(of).reduce(pick).unwrap_or(0.0) as f32
        };
        Bounds {
            left: fold(f64::min, |p| p.0),
            top: fold(f64::min, |p| p.1),
            right: fold(f64::max, |p| p.0),
            bottom: fold(f64::max, |p| p.1),
        }
    }

    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn center(&self) -> (f32, f32) {
        (
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        )
    }

    pub(super) fn holds(&self, (x, y): (f32, f32)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub(super) fn union(self, other: Bounds) -> Bounds {
        Bounds {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// What both cover; empty boxes have no area.
    pub(super) fn intersection(self, other: Bounds) -> Bounds {
        Bounds {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub(super) fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// How tall a stretch both have in common, as a share of the lower one of them.
    pub(super) fn shared_height(&self, other: &Bounds) -> f32 {
        let shared = self.bottom.min(other.bottom) - self.top.max(other.top);
        shared / self.height().min(other.height()).max(0.01)
    }

    /// The box of a frame that is turned by `degrees`, as the page has it: the inverse of
    /// [`Bounds::turned`], as a box around.
    pub(super) fn turned_back(self, degrees: i16) -> Bounds {
        self.turned(-degrees)
    }

    /// The box around this one in a frame whose axes are turned clockwise by `degrees`.
    pub(super) fn turned(self, degrees: i16) -> Bounds {
        if degrees == 0 {
            return self;
        }
        let corners = [
            (self.left, self.top),
            (self.left, self.bottom),
            (self.right, self.top),
            (self.right, self.bottom),
        ];
        Bounds::around(corners.map(|(x, y)| {
            let (u, v) = turn(f64::from(x), f64::from(y), degrees);
            (u, v)
        }))
    }

    pub(super) fn to_area(self) -> Area {
        Area::from_points([self.left, self.top, self.right, self.bottom].map(f64::from))
    }
}

/// A point in a frame whose axes are turned clockwise (y points down) by `degrees`.
pub(super) fn turn(x: f64, y: f64, degrees: i16) -> (f64, f64) {
    match degrees.rem_euclid(360) {
        0 => (x, y),
        90 => (y, -x),
        180 => (-x, -y),
        270 => (-y, x),
        degrees => {
            let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
            (x * cos + y * sin, y * cos - x * sin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_follow_each_other() {
        let twice = Matrix([2.0, 0.0, 0.0, 2.0, 1.0, 0.0]);
        let moved = Matrix::IDENTITY.moved(3.0, 4.0);
        assert_eq!(moved.then(twice).apply(0.0, 0.0), (7.0, 8.0));
        assert_eq!(twice.moved(3.0, 4.0).apply(0.0, 0.0), (7.0, 8.0));
    }

    #[test]
    fn turning_there_and_back_changes_nothing() {
        let bounds = Bounds {
            left: 1.0,
            top: 2.0,
            right: 5.0,
            bottom: 9.0,
        };
        for degrees in [0, 90, 180, 270] {
            assert_eq!(bounds.turned(degrees).turned_back(degrees), bounds);
        }
        assert_eq!(turn(0.0, 5.0, 90), (5.0, 0.0));
    }
}
