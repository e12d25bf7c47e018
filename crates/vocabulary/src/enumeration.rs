//! The one form of every word that has a fixed list of members.

/// Declares an enumeration: each member with its slug and its two labels.
///
/// The slug is what is stored in PostgreSQL and in JSON: it never changes.
macro_rules! enumeration {
    (
        $name:ident is $what:literal;
        $(#[$attribute:meta])*
        {
            $(
                $(#[$member_attribute:meta])*
                $member:ident => $slug:literal, $french:literal, $english:literal;
            )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$member_attribute])* $member, )+
        }

        impl $name {
            /// What this word is called in an error.
            pub const WHAT: &'static str = $what;

            /// Every member, in the order of the contract.
            pub const ALL: &'static [Self] = &[$( Self::$member, )+];

            /// The slug, as stored in PostgreSQL and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$member => $slug, )+ }
            }

            /// The label for people, in French.
            pub const fn french(self) -> &'static str {
                match self { $( Self::$member => $french, )+ }
            }

            /// The label for people, in English.
            pub const fn english(self) -> &'static str {
                match self { $( Self::$member => $english, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $( $slug => Ok(Self::$member), )+
                    _ => Err(crate::ParseError::new($what, "not one of its words")),
                }
            }
        }

        crate::as_text::serde_as_text!($name);
    };
}

pub(crate) use enumeration;
