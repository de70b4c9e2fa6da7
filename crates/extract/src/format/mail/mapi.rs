//! What the mail formats of Microsoft share: properties by number (MS-OXPROPS) and code pages.

use encoding_rs::Encoding;

/// Numbers of properties.
pub(super) mod property {
    pub(in super::super) const MESSAGE_CLASS: u16 = 0x001a;
    pub(in super::super) const SUBJECT: u16 = 0x0037;
    pub(in super::super) const SUBMIT_TIME: u16 = 0x0039;
    pub(in super::super) const SENT_FOR_NAME: u16 = 0x0042;
    pub(in super::super) const SENT_FOR_ADDRESS: u16 = 0x0065;
    pub(in super::super) const TRANSPORT_HEADERS: u16 = 0x007d;
    pub(in super::super) const RECIPIENT_TYPE: u16 = 0x0c15;
    pub(in super::super) const SENDER_NAME: u16 = 0x0c1a;
    pub(in super::super) const SENDER_ADDRESS: u16 = 0x0c1f;
    pub(in super::super) const DISPLAY_BCC: u16 = 0x0e02;
    pub(in super::super) const DISPLAY_CC: u16 = 0x0e03;
    pub(in super::super) const DISPLAY_TO: u16 = 0x0e04;
    pub(in super::super) const DELIVERY_TIME: u16 = 0x0e06;
    pub(in super::super) const BODY: u16 = 0x1000;
    pub(in super::super) const RTF_COMPRESSED: u16 = 0x1009;
    pub(in super::super) const HTML: u16 = 0x1013;
    pub(in super::super) const DISPLAY_NAME: u16 = 0x3001;
    pub(in super::super) const ADDRESS: u16 = 0x3003;
    pub(in super::super) const ATTACH_DATA: u16 = 0x3701;
    pub(in super::super) const ATTACH_NAME: u16 = 0x3704;
    pub(in super::super) const ATTACH_LONG_NAME: u16 = 0x3707;
    pub(in super::super) const SMTP_ADDRESS: u16 = 0x39fe;
    pub(in super::super) const INTERNET_CODE_PAGE: u16 = 0x3fde;
    pub(in super::super) const MESSAGE_CODE_PAGE: u16 = 0x3ffd;
    pub(in super::super) const SENDER_SMTP: u16 = 0x5d01;
    pub(in super::super) const SENT_FOR_SMTP: u16 = 0x5d02;
}

/// Types of properties' values.
pub(super) mod value {
    pub(in super::super) const INTEGER: u16 = 0x0003;
    pub(in super::super) const OBJECT: u16 = 0x000d;
    pub(in super::super) const NARROW: u16 = 0x001e;
    pub(in super::super) const WIDE: u16 = 0x001f;
    pub(in super::super) const TIME: u16 = 0x0040;
    pub(in super::super) const BINARY: u16 = 0x0102;
}

/// The character set of a Windows code page.
pub(super) fn code_page(number: u32) -> Option<&'static Encoding> {
    let label = match number {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        20866 => "koi8-r".to_owned(),
        20932 | 51932 => "euc-jp".to_owned(),
        50220..=50222 => "iso-2022-jp".to_owned(),
        54936 => "gb18030".to_owned(),
        iso @ 28591..=28606 => format!("iso-8859-{}", iso - 28590),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_have_their_character_sets() {
        let name = |number| code_page(number).map(Encoding::name);
        assert_eq!(name(1251), Some("windows-1251"));
        assert_eq!(name(28605), Some("ISO-8859-15"));
        assert_eq!(name(950), Some("Big5"));
        assert_eq!(name(1), None);
    }
}
