//! Whose figures a caller asks for and may see.

use std::fmt;

use vocabulary::{Region, RoutingRegion};

/// Which reports are counted for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The whole country, national bodies included.
    Country,
    /// What is routed to one region, or to none of them.
    Routed(RoutingRegion),
}

/// A caller may not see the figures of the region it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegionNotYours;

impl Scope {
    /// What the cell and the FSSI see: what they ask for, else the country.
    pub(super) fn national(asked: Option<RoutingRegion>) -> Self {
        asked.map_or(Self::Country, Self::Routed)
    }

    /// What the agent of a region sees: this region, asked for or not.
    pub(super) fn regional(
        own: Option<Region>,
        asked: Option<RoutingRegion>,
    ) -> Result<Self, RegionNotYours> {
        let own = RoutingRegion::Region(own.ok_or(RegionNotYours)?);
        match asked {
            Some(asked) if asked != own => Err(RegionNotYours),
            _ => Ok(Self::Routed(own)),
        }
    }

    /// The only region counted, or nothing for the country.
    pub(super) fn region(self) -> Option<RoutingRegion> {
        match self {
            Self::Country => None,
            Self::Routed(region) => Some(region),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Country => f.write_str("country"),
            Self::Routed(region) => region.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(code: &str) -> Region {
        code.parse().unwrap()
    }

    #[test]
    fn an_agent_sees_its_own_region_whether_it_asks_or_not() {
        let own = RoutingRegion::Region(region("76"));
        assert_eq!(
            Scope::regional(Some(region("76")), None),
            Ok(Scope::Routed(own))
        );
        assert_eq!(
            Scope::regional(Some(region("76")), Some(own)),
            Ok(Scope::Routed(own))
        );
    }

    #[test]
    fn an_agent_never_sees_another_region_nor_the_national_bodies() {
        for other in [RoutingRegion::Region(region("75")), RoutingRegion::National] {
            assert_eq!(
                Scope::regional(Some(region("76")), Some(other)),
                Err(RegionNotYours)
            );
        }
    }

    #[test]
    fn an_agent_without_a_region_sees_nothing() {
        assert_eq!(Scope::regional(None, None), Err(RegionNotYours));
    }

    #[test]
    fn the_cell_sees_the_country_or_what_it_asks_for() {
        assert_eq!(Scope::national(None).region(), None);
        let asked = Some(RoutingRegion::National);
        assert_eq!(Scope::national(asked).region(), asked);
    }
}
