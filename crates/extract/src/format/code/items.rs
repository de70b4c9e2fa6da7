//! Where the items of a source file begin, and what they are called.
//!
//! The walk only marks cuts; a block reaches from one cut to the next. So a file is covered to
//! the last brace whatever a grammar makes of it, and a broken file loses nothing.

use tree_sitter::{Node, Tree};

use super::grammar::Rules;
use crate::blocks::margin_start;

/// Items nested deeper than this are left in one block.
const MAX_DEPTH: usize = 24;

/// A longer name is no name.
const MAX_NAME_BYTES: usize = 200;

/// Where blocks begin, in ascending order from 0, and what each defines.
pub(super) fn cuts(tree: &Tree, text: &str, rules: &'static Rules) -> Vec<(usize, Option<String>)> {
    let mut walk = Walk {
        text,
        rules,
        cuts: vec![(0, None)],
    };
    walk.members(tree.root_node(), None, 0);
    walk.cuts
}

struct Walk<'t> {
    text: &'t str,
    rules: &'static Rules,
    cuts: Vec<(usize, Option<String>)>,
}

impl Walk<'_> {
    /// Marks the members of a file, class or module; `owner` is its qualified name.
    fn members(&mut self, parent: Node<'_>, owner: Option<&str>, depth: usize) {
        // Where the comments and attributes that stand directly above the next node begin.
        let mut lead: Option<usize> = None;
        let mut above_row = usize::MAX;
        let mut cursor = parent.walk();
        for child in parent.children(&mut cursor) {
            let first_row = child.start_position().row;
            if self.is_lead(child) {
                let trails = first_row == above_row;
                let continues = lead.is_some() && first_row <= above_row.saturating_add(1);
                if !trails && !continues {
                    lead = Some(child.start_byte());
                    self.cut(child.start_byte(), owner.map(str::to_owned), false);
                }
                above_row = last_row(child);
                continue;
            }
            if !child.is_named() {
                above_row = last_row(child);
                continue;
            }
            let joined = lead
                .take()
                .filter(|_| first_row <= above_row.saturating_add(1));
            let start = joined.unwrap_or(child.start_byte());
            self.member(child, start, owner, depth);
            above_row = last_row(child);
        }
    }

    /// Marks one member that begins, with what leads it, at `start`.
    fn member(&mut self, node: Node<'_>, start: usize, owner: Option<&str>, depth: usize) {
        let kind = node.kind();
        if kind == "ERROR" && depth < MAX_DEPTH {
            return self.members(node, owner, depth + 1);
        }
        let Some(item) = self.item_in(node, 0) else {
            if self.rules.wrappers.contains(&kind) && depth < MAX_DEPTH {
                self.cut(start, owner.map(str::to_owned), false);
                return self.members(node, owner, depth + 1);
            }
            return self.cut(start, owner.map(str::to_owned), false);
        };
        let name = self.name_of(item).map(|name| match owner {
            Some(owner) => format!("{owner}{}{name}", self.separator(item)),
            None => name,
        });
        let is_container = self.rules.containers.contains(&item.kind());
        let named = name.or_else(|| owner.map(str::to_owned));
        self.cut(start, named.clone(), true);
        let body = item.child_by_field_name("body");
        if let Some(body) = body.filter(|_| is_container && depth < MAX_DEPTH) {
            self.members(body, named.as_deref(), depth + 1);
        }
    }

    /// Begins a block at `at`, or at the beginning of its line where nothing but indentation
    /// stands before it. Where no item begins, a block that defines the same goes on.
    fn cut(&mut self, at: usize, item: Option<String>, begins_item: bool) {
        let at = margin_start(self.text, at, b" \t");
        match self.cuts.last_mut() {
            Some(last) if last.0 >= at => last.1 = item,
            Some(last) if !begins_item && last.1 == item => {}
            _ => self.cuts.push((at, item)),
        }
    }

    /// Whether the node belongs to the item below it.
    fn is_lead(&self, node: Node<'_>) -> bool {
        let kind = node.kind();
        kind.ends_with("comment") || self.rules.decorations.contains(&kind)
    }

    /// The item that the node is, or that it wraps.
    fn item_in<'n>(&self, node: Node<'n>, depth: usize) -> Option<Node<'n>> {
        let kind = node.kind();
        let is_item = self.rules.leaves.contains(&kind) || self.rules.containers.contains(&kind);
        if is_item {
            return self.defines(node).then_some(node);
        }
        let single = [
            "declaration_list",
            "body_statement",
            "preproc_ifdef",
            "preproc_if",
        ];
        if depth > 4 || !self.rules.wrappers.contains(&kind) || single.contains(&kind) {
            return None;
        }
        let mut cursor = node.walk();
        node.named_children(&mut cursor)
            .find_map(|child| self.item_in(child, depth + 1))
    }

    /// Whether a node that may define something does: a variable only if it holds a function
    /// or a class, a C type only if it has a body.
    fn defines(&self, node: Node<'_>) -> bool {
        match node.kind() {
            "lexical_declaration" | "variable_declaration" => {
                let mut cursor = node.walk();
                let mut parts = node.named_children(&mut cursor);
                parts.any(|part| part.child_by_field_name("value").is_some_and(is_callable))
            }
            "assignment_expression" => node.child_by_field_name("right").is_some_and(is_callable),
            "struct_specifier" | "class_specifier" | "enum_specifier" | "union_specifier" => {
                node.child_by_field_name("body").is_some()
            }
            _ => true,
        }
    }

    /// Methods of Ruby and PHP are named differently from what a class lies in.
    fn separator(&self, item: Node<'_>) -> &'static str {
        match (self.rules.separator, item.kind()) {
            ("\\", "method_declaration") => "::",
            ("::", "method") => "#",
            ("::", "singleton_method") => ".",
            (separator, _) => separator,
        }
    }

    fn name_of(&self, item: Node<'_>) -> Option<String> {
        let named = match item.kind() {
            "impl_item" => item.child_by_field_name("type")?,
            "method_declaration" if item.child_by_field_name("receiver").is_some() => {
                return self.go_method(item);
            }
            "type_declaration" => item.named_child(0)?.child_by_field_name("name")?,
            "function_definition" | "type_definition"
                if item.child_by_field_name("declarator").is_some() =>
            {
                innermost_declarator(item)?
            }
            "lexical_declaration" | "variable_declaration" => {
                let mut cursor = item.walk();
                let holder = item
                    .named_children(&mut cursor)
                    .find(|part| part.child_by_field_name("value").is_some_and(is_callable))?;
                holder.child_by_field_name("name")?
            }
            "assignment_expression" => item.child_by_field_name("left")?,
            _ => item.child_by_field_name("name")?,
        };
        self.name_text(named)
    }

    /// `Parser.Next` for a method with the receiver `(p *Parser)`.
    fn go_method(&self, item: Node<'_>) -> Option<String> {
        let name = self.name_text(item.child_by_field_name("name")?)?;
        let receiver = item.child_by_field_name("receiver")?.named_child(0)?;
        let owner = self.name_text(receiver.child_by_field_name("type")?)?;
        Some(format!(
            "{}.{name}",
            owner.trim_start_matches(['*', ' ', '('])
        ))
    }

    /// The text of a name, without type parameters.
    fn name_text(&self, node: Node<'_>) -> Option<String> {
        let text = self.text.get(node.byte_range())?;
        let operator = text.contains("operator");
        let text = if operator {
            text
        } else {
            text.split(['<', '[']).next().unwrap_or(text)
        };
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains('\n');
        fits.then(|| text.to_owned())
    }
}

fn last_row(node: Node<'_>) -> usize {
    let end = node.end_position();
    // A node that takes its line feed along ends on the line before.
    if end.column == 0 {
        end.row.saturating_sub(1)
    } else {
        end.row
    }
}

fn is_callable(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "arrow_function" | "function_expression" | "function" | "generator_function" | "class"
    )
}

/// The name in a C declarator: `*(*name)(int)` is called `name`.
fn innermost_declarator(item: Node<'_>) -> Option<Node<'_>> {
    let mut node = item.child_by_field_name("declarator")?;
    for _ in 0..32 {
        let inner = node.child_by_field_name("declarator").or_else(|| {
            let unnamed = matches!(
                node.kind(),
                "reference_declarator" | "parenthesized_declarator"
            );
            unnamed.then(|| node.named_child(0)).flatten()
        });
        match inner {
            Some(inner) if node.kind() != "operator_cast" => node = inner,
            _ => break,
        }
    }
    Some(node)
}
