//! Identifiers: parse, print, never interchangeable.

use std::fmt;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $prefix:literal, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl $name {
            /// The text before the digits.
            pub const PREFIX: &'static str = $prefix;

            /// Reads the canonical form: the prefix and exactly the right number of lower-case hex digits.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                let canonical = digits.len() == $digits
                    && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !canonical {
                    return None;
                }
                <$inner>::from_str_radix(digits, 16).ok().map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:0width$x}"), self.0, width = $digits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex_id!(
    /// A tenant: 16 hex digits.
    TenantKey, u64, "", 16
);
hex_id!(
    /// An app: `cli_` and 16 hex digits, the only form that every official client accepts.
    AppId, u64, "cli_", 16
);
hex_id!(
    /// A chat: `oc_` and 32 hex digits.
    ChatId, u128, "oc_", 32
);
hex_id!(
    /// A user or bot as seen by one app: `ou_` and 32 hex digits.
    OpenId, u128, "ou_", 32
);
hex_id!(
    /// A user as seen by all apps of one developer: `on_` and 32 hex digits.
    UnionId, u128, "on_", 32
);
hex_id!(
    /// A message: `om_` and 32 hex digits.
    MessageId, u128, "om_", 32
);
hex_id!(
    /// A thread: `omt_` and 16 hex digits.
    ThreadId, u64, "omt_", 16
);

/// The token in the URL of a custom bot: 32 hex digits in the form of a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HookToken(pub u128);

impl HookToken {
    /// Where its hyphens are.
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];

    /// Reads the canonical form, in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |(at, byte): (usize, u8)| match Self::HYPHENS.contains(&at) {
            true => byte == b'-',
            false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        if text.len() != 36 || !text.bytes().enumerate().all(fits) {
            return None;
        }
        u128::from_str_radix(&text.replace('-', ""), 16).ok().map(HookToken)
    }
}

impl fmt::Display for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (head, rest) = hex.split_at(8);
        write!(f, "{head}-{}-{}-{}-{}", &rest[..4], &rest[4..8], &rest[8..12], &rest[12..])
    }
}

/// Does not print the secret.
impl fmt::Debug for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token of a custom bot")
    }
}

macro_rules! snowflake {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// Reads a positive decimal number without sign or leading zero.
            pub fn parse(text: &str) -> Option<Self> {
                let bytes = text.as_bytes();
                if bytes.is_empty() || bytes.len() > 19 || bytes[0] == b'0' {
                    return None;
                }
                let mut value: i64 = 0;
                for byte in bytes {
                    let digit = byte.wrapping_sub(b'0');
                    if digit > 9 {
                        return None;
                    }
                    value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
                }
                Some($name(value))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

snowflake!(
    /// A tag: a decimal number of 19 digits that grows with time.
    TagId
);
snowflake!(
    /// A chat tab: a decimal number of 19 digits that grows with time.
    TabId
);
snowflake!(
    /// A menu item of a chat, at either level: a decimal number of 19 digits that grows with time.
    MenuId
);
snowflake!(
    /// An entity of the card kit: a decimal number of 19 digits that grows with time.
    CardId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_only() {
        let chat = ChatId(0xa0553eda9014c201e6969b478895c230);
        assert_eq!(chat.to_string(), "oc_a0553eda9014c201e6969b478895c230");
        assert_eq!(ChatId::parse("oc_a0553eda9014c201e6969b478895c230"), Some(chat));
        for wrong in
            ["", "oc_", "oc_A0553eda9014c201e6969b478895c230", "oc_+0553eda9014c201e6969b478895c23", "xx"]
        {
            assert_eq!(ChatId::parse(wrong), None, "{wrong}");
        }
        let token = HookToken(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(token.to_string(), "01234567-89ab-cdef-0011-223344556677");
        assert_eq!(HookToken::parse("01234567-89ab-cdef-0011-223344556677"), Some(token));
        for wrong in ["", "0123456789abcdef0011223344556677", "01234567-89AB-cdef-0011-223344556677"] {
            assert_eq!(HookToken::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TagId::parse("7101214603622940633"), Some(TagId(7101214603622940633)));
        for wrong in ["", "0", "-1", "01", "9223372036854775808", "99999999999999999999", "1a", " 1"] {
            assert_eq!(TagId::parse(wrong), None, "{wrong}");
        }
    }
}
