//! The one form of every word that has a fixed list of members.

/// Declares an enumeration: each member with its slug and its two labels.
///
/// The slug is what is stored in PostgreSQL and in JSON: it never changes. Where
/// members have a number, that of the contracts, the list is open: see
/// [`crate::Word`].
macro_rules! enumeration {
    (
        $name:ident is $what:literal;
        $(#[$attribute:meta])*
        {
            $(
                $(#[$member_attribute:meta])*
                $member:ident = $number:literal => $slug:literal, $french:literal, $english:literal;
            )+
        }
    ) => {
        enumeration! {
            @declare $name is $what;
            { $(#[$attribute])* }
            { $( { $(#[$member_attribute])* } $member => $slug, $french, $english; )+ }
            {
                /// Added by a later release: kept as it came.
                Later(crate::LaterWord),
            }
            { Self::Later(word) => word.as_str(), }
            { Self::Later(_) => "Autre (d'une version plus récente)", }
            { Self::Later(_) => "Other (of a later release)", }
        }

        impl crate::Word for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn later(word: crate::LaterWord) -> Self {
                Self::Later(word)
            }

            fn number(self) -> i32 {
                match self {
                    $( Self::$member => $number, )+
                    Self::Later(word) => word.number(),
                }
            }

            fn french(self) -> &'static str {
                Self::french(self)
            }

            fn english(self) -> &'static str {
                Self::english(self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let slug = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(<Self as crate::Word>::stored(&slug))
            }
        }
    };

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
        enumeration! {
            @declare $name is $what;
            { $(#[$attribute])* }
            { $( { $(#[$member_attribute])* } $member => $slug, $french, $english; )+ }
            {} {} {} {}
        }

        crate::as_text::serde_as_text!($name);
    };

    (
        @declare $name:ident is $what:literal;
        { $($attribute:tt)* }
        {
            $( { $($member_attribute:tt)* } $member:ident => $slug:literal, $french:literal, $english:literal; )+
        }
        { $($later:tt)* }
        { $($later_slug:tt)* }
        { $($later_french:tt)* }
        { $($later_english:tt)* }
    ) => {
        $($attribute)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $($member_attribute)* $member, )+
            $($later)*
        }

        impl $name {
            /// What this word is called in an error.
            pub const WHAT: &'static str = $what;

            /// Every member, in the order of the contract.
            pub const ALL: &'static [Self] = &[$( Self::$member, )+];

            /// The slug, as stored in PostgreSQL and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$member => $slug, )+
                    $($later_slug)*
                }
            }

            /// The label for people, in French.
            pub const fn french(self) -> &'static str {
                match self {
                    $( Self::$member => $french, )+
                    $($later_french)*
                }
            }

            /// The label for people, in English.
            pub const fn english(self) -> &'static str {
                match self {
                    $( Self::$member => $english, )+
                    $($later_english)*
                }
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
    };
}

pub(crate) use enumeration;
