//! The built-in grammars, and which of their nodes are items.

use tree_sitter::Language;

use crate::sniff::Grammar;

/// What the walk over a syntax tree needs to know of a language. All are names of nodes.
pub(super) struct Rules {
    /// Between the parts of a qualified name.
    pub(super) separator: &'static str,
    /// Items that are a block each.
    pub(super) leaves: &'static [&'static str],
    /// Items whose members are blocks of their own: classes, modules.
    pub(super) containers: &'static [&'static str],
    /// Nodes that say nothing themselves and are looked through: exports, conditional parts.
    pub(super) wrappers: &'static [&'static str],
    /// Nodes that belong to the item below them, as comments do.
    pub(super) decorations: &'static [&'static str],
}

pub(super) fn language(grammar: Grammar) -> Language {
    match grammar {
        Grammar::Rust => tree_sitter_rust::LANGUAGE.into(),
        Grammar::Python => tree_sitter_python::LANGUAGE.into(),
        Grammar::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Grammar::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Grammar::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Grammar::Go => tree_sitter_go::LANGUAGE.into(),
        Grammar::Java => tree_sitter_java::LANGUAGE.into(),
        Grammar::C => tree_sitter_c::LANGUAGE.into(),
        Grammar::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Grammar::CSharp => tree_sitter_c_sharp::LANGUAGE.into(),
        Grammar::Ruby => tree_sitter_ruby::LANGUAGE.into(),
        Grammar::Php => tree_sitter_php::LANGUAGE_PHP.into(),
        Grammar::Bash => tree_sitter_bash::LANGUAGE.into(),
    }
}

pub(super) fn rules(grammar: Grammar) -> &'static Rules {
    match grammar {
        Grammar::Rust => &RUST,
        Grammar::Python => &PYTHON,
        Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx => &SCRIPT,
        Grammar::Go => &GO,
        Grammar::Java => &JAVA,
        Grammar::C | Grammar::Cpp => &C_FAMILY,
        Grammar::CSharp => &CSHARP,
        Grammar::Ruby => &RUBY,
        Grammar::Php => &PHP,
        Grammar::Bash => &BASH,
    }
}

static RUST: Rules = Rules {
    separator: "::",
    leaves: &[
        "function_item",
        "struct_item",
        "enum_item",
        "union_item",
        "type_item",
        "macro_definition",
        "const_item",
        "static_item",
    ],
    containers: &["impl_item", "trait_item", "mod_item"],
    wrappers: &["foreign_mod_item", "declaration_list"],
    decorations: &["attribute_item"],
};

static PYTHON: Rules = Rules {
    separator: ".",
    leaves: &["function_definition"],
    containers: &["class_definition"],
    wrappers: &["decorated_definition"],
    decorations: &[],
};

static SCRIPT: Rules = Rules {
    separator: ".",
    leaves: &[
        "function_declaration",
        "generator_function_declaration",
        "function_signature",
        "method_definition",
        "abstract_method_signature",
        "interface_declaration",
        "enum_declaration",
        "type_alias_declaration",
        "lexical_declaration",
        "variable_declaration",
        "assignment_expression",
    ],
    containers: &[
        "class_declaration",
        "abstract_class_declaration",
        "class",
        "internal_module",
        "module",
    ],
    wrappers: &[
        "export_statement",
        "expression_statement",
        "ambient_declaration",
    ],
    decorations: &["decorator"],
};

static GO: Rules = Rules {
    separator: ".",
    leaves: &[
        "function_declaration",
        "method_declaration",
        "type_declaration",
    ],
    containers: &[],
    wrappers: &[],
    decorations: &[],
};

static JAVA: Rules = Rules {
    separator: ".",
    leaves: &[
        "method_declaration",
        "constructor_declaration",
        "compact_constructor_declaration",
        "annotation_type_declaration",
    ],
    containers: &[
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "record_declaration",
    ],
    wrappers: &["enum_body_declarations"],
    decorations: &[],
};

static C_FAMILY: Rules = Rules {
    separator: "::",
    leaves: &[
        "function_definition",
        "type_definition",
        "enum_specifier",
        "union_specifier",
    ],
    containers: &[
        "class_specifier",
        "struct_specifier",
        "namespace_definition",
    ],
    wrappers: &[
        "template_declaration",
        "linkage_specification",
        "declaration_list",
        "preproc_ifdef",
        "preproc_if",
        "preproc_else",
        "preproc_elif",
    ],
    decorations: &[],
};

static CSHARP: Rules = Rules {
    separator: ".",
    leaves: &[
        "method_declaration",
        "constructor_declaration",
        "destructor_declaration",
        "operator_declaration",
        "delegate_declaration",
        "enum_declaration",
        "local_function_statement",
    ],
    containers: &[
        "namespace_declaration",
        "class_declaration",
        "interface_declaration",
        "struct_declaration",
        "record_declaration",
    ],
    wrappers: &["global_statement", "preproc_if", "preproc_region"],
    decorations: &[],
};

static RUBY: Rules = Rules {
    separator: "::",
    leaves: &["method", "singleton_method"],
    containers: &["class", "module"],
    wrappers: &["singleton_class", "body_statement"],
    decorations: &[],
};

static PHP: Rules = Rules {
    separator: "\\",
    leaves: &[
        "function_definition",
        "method_declaration",
        "enum_declaration",
    ],
    containers: &[
        "class_declaration",
        "interface_declaration",
        "trait_declaration",
        "namespace_definition",
    ],
    wrappers: &[],
    decorations: &[],
};

static BASH: Rules = Rules {
    separator: ".",
    leaves: &["function_definition"],
    containers: &[],
    wrappers: &[],
    decorations: &[],
};
