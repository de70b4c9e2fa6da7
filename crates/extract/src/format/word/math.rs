//! Equations (Office Math, MathML) as one line of text: `(a+b)/2`, `x^2`, `√(x)`.

use super::super::xml::Element;

/// The equation in an element.
pub(in super::super) fn linear(element: Element<'_>) -> String {
    let part = |name: &str| element.child(name).map(linear).unwrap_or_default();
    let property = |name: &str| {
        let properties = element
            .children()
            .find(|child| child.name().ends_with("Pr"));
        properties.and_then(|properties| properties.child(name)?.attr("val"))
    };
    match element.name() {
        "t" => element
            .text()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        "rPr" | "ctrlPr" | "del" | "moveFrom" => String::new(),
        name if name.ends_with("Pr") => String::new(),
        "mi" | "mn" | "mo" | "mtext" => element.text().trim().to_owned(),
        "annotation" => String::new(),
        "mfrac" => format!("{}/{}", group(&nth(element, 0)), group(&nth(element, 1))),
        "msup" => format!("{}^{}", group(&nth(element, 0)), group(&nth(element, 1))),
        "msub" => format!("{}_{}", group(&nth(element, 0)), group(&nth(element, 1))),
        "msqrt" => format!("√({})", element.children().map(linear).collect::<String>()),
        "f" => format!("{}/{}", group(&part("num")), group(&part("den"))),
        "sSup" => format!("{}^{}", group(&part("e")), group(&part("sup"))),
        "sSub" => format!("{}_{}", group(&part("e")), group(&part("sub"))),
        "sSubSup" => {
            let (sub, sup) = (part("sub"), part("sup"));
            format!("{}_{}^{}", group(&part("e")), group(&sub), group(&sup))
        }
        "sPre" => format!(
            "_{}^{}{}",
            group(&part("sub")),
            group(&part("sup")),
            part("e")
        ),
        "rad" => format!("{}√({})", part("deg"), part("e")),
        "nary" => {
            let sign = property("chr").unwrap_or("∫");
            let (sub, sup) = (part("sub"), part("sup"));
            let below = if sub.is_empty() {
                String::new()
            } else {
                format!("_{}", group(&sub))
            };
            let above = if sup.is_empty() {
                String::new()
            } else {
                format!("^{}", group(&sup))
            };
            format!("{sign}{below}{above} {}", part("e"))
        }
        "d" => {
            let open = property("begChr").unwrap_or("(");
            let close = property("endChr").unwrap_or(")");
            let between = property("sepChr").unwrap_or("|");
            let parts = element.children().filter(|child| child.name() == "e");
            let parts: Vec<String> = parts.map(linear).collect();
            format!("{open}{}{close}", parts.join(between))
        }
        "func" => format!("{} {}", part("fName"), part("e")),
        "limLow" => format!("{}_{}", part("e"), group(&part("lim"))),
        "limUpp" => format!("{}^{}", part("e"), group(&part("lim"))),
        "m" | "eqArr" => {
            let rows = element
                .children()
                .filter(|child| matches!(child.name(), "mr" | "e"));
            let rows: Vec<String> = rows.map(linear).collect();
            rows.join("; ")
        }
        "mr" => {
            let cells: Vec<String> = element.children().map(linear).collect();
            cells.join(", ")
        }
        _ => element.children().map(linear).collect(),
    }
}

/// The child at a place, for MathML, whose children have their meaning by their place.
fn nth(element: Element<'_>, at: usize) -> String {
    element.children().nth(at).map(linear).unwrap_or_default()
}

/// Brackets around what is more than one character, number or word.
fn group(part: &str) -> String {
    let single = part.chars().all(char::is_alphanumeric);
    let bracketed = part.starts_with('(') && part.find(')') == Some(part.len() - 1);
    match single || bracketed {
        true => part.to_owned(),
        false => format!("({part})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::xml::Tree;
    use super::*;

    #[test]
    fn equations_are_one_line() {
        let equation = |markup: &str| {
            let tree = Tree::parse(format!("<m:oMath>{markup}</m:oMath>").as_bytes());
            linear(tree.root().unwrap())
        };
        let fraction = "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>";
        assert_eq!(equation(fraction), "(a+b)/2");
        let power =
            format!("<m:sSup><m:e>{fraction}</m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>");
        assert_eq!(equation(&power), "((a+b)/2)^2");
        let sum = "<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub>\
                   <m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:r><m:t>x</m:t></m:r></m:e></m:nary>";
        assert_eq!(equation(sum), "∑_(i=1)^n x");
        assert_eq!(
            equation("<m:d><m:e><m:r><m:t>x</m:t></m:r></m:e></m:d>"),
            "(x)"
        );
    }
}
