//! Where a report is routed.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, Region, as_text::serde_as_text};

/// Where a report is routed (territoire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoutingRegion {
    /// To the ARS of a region.
    Region(Region),
    /// To the FSSI and the cell alone: a body without a region of its own, or a
    /// territory without an ARS.
    National,
    /// To nobody: a test.
    Synthetic,
}

impl RoutingRegion {
    /// The slug: the code of the region, "national" or "synthetic".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Region(region) => region.code(),
            Self::National => "national",
            Self::Synthetic => "synthetic",
        }
    }

    /// The region, where there is one.
    pub const fn region(self) -> Option<Region> {
        match self {
            Self::Region(region) => Some(region),
            Self::National | Self::Synthetic => None,
        }
    }
}

impl FromStr for RoutingRegion {
    type Err = ParseError;

    fn from_str(slug: &str) -> Result<Self, Self::Err> {
        match slug {
            "national" => Ok(Self::National),
            "synthetic" => Ok(Self::Synthetic),
            code => code.parse().map(Self::Region).map_err(|_| {
                ParseError::new(
                    "routing region",
                    "neither a region, \"national\" nor \"synthetic\"",
                )
            }),
        }
    }
}

impl fmt::Display for RoutingRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serde_as_text!(RoutingRegion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_read_back() {
        let routes = Region::ALL
            .iter()
            .map(|&region| RoutingRegion::Region(region));
        for route in routes.chain([RoutingRegion::National, RoutingRegion::Synthetic]) {
            assert_eq!(route.as_str().parse(), Ok(route));
        }
        assert!("".parse::<RoutingRegion>().is_err());
    }
}
