//! Where the text of a group goes.

/// Where the text of a group goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// The text itself.
    Body,
    /// Nowhere.
    Skip,
    /// Unicode stands beside its like in a code page, which is left out.
    Both,
    FontTable,
    StyleSheet,
    /// The address of a field.
    Field,
    Title,
    Author,
    Subject,
    Keywords,
    Description,
    /// The label of a list item.
    Label,
    // Beside the text; each is read to its end and then put in its place.
    Footnote,
    Comment,
    CommentAuthor,
    Head,
    TextBox,
}

impl Destination {
    /// Whether its text is collected apart and put somewhere when its group ends.
    pub(super) fn is_apart(self) -> bool {
        !matches!(
            self,
            Destination::Body | Destination::Skip | Destination::Both
        )
    }

    /// Where a control word at the beginning of a group sends the group's text; `None` for a
    /// word that is no destination.
    pub(super) fn of(word: &str) -> Option<Destination> {
        Some(match word {
            "fonttbl" => Destination::FontTable,
            "stylesheet" => Destination::StyleSheet,
            "fldinst" => Destination::Field,
            "title" => Destination::Title,
            "author" => Destination::Author,
            "subject" => Destination::Subject,
            "keywords" => Destination::Keywords,
            "doccomm" => Destination::Description,
            "listtext" | "pntext" => Destination::Label,
            "footnote" => Destination::Footnote,
            "annotation" => Destination::Comment,
            "atnauthor" => Destination::CommentAuthor,
            "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr"
            | "footerf" => Destination::Head,
            "shptxt" | "dptxbxtext" => Destination::TextBox,
            "upr" => Destination::Both,
            "ud" | "fldrslt" | "result" => Destination::Body,
            "shpinst" | "do" | "shp" | "shpgrp" | "field" | "object" => Destination::Body,
            "colortbl" | "info" | "pict" | "objdata" | "objclass" | "objname" | "listtable"
            | "listoverridetable" | "sp" | "nonshppict" | "pn" | "xe" | "tc" | "template"
            | "atnid" | "atnref" | "atndate" | "atrfstart" | "atrfend" | "ftnsep" | "ftnsepc"
            | "ftncn" | "aftnsep" | "aftnsepc" | "aftncn" | "bkmkstart" | "bkmkend" | "revtbl"
            | "private" | "operator" | "company" | "category" | "manager" | "hlinkbase"
            | "buptim" | "creatim" | "revtim" | "printim" | "fldtype" | "datafield"
            | "formfield" | "themedata" | "nonesttables" | "filetbl" | "pgdsctbl" | "mmathPict"
            | "rxe" | "txe" => Destination::Skip,
            _ => return None,
        })
    }
}
