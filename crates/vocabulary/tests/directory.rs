//! The numbers and territories of a real directory: one establishment of each
//! department, from the Statistique annuelle des établissements 2022 (DREES, open
//! data).

use std::collections::BTreeSet;

use vocabulary::{Department, Finess, Region};

const ESTABLISHMENTS: &str = include_str!("establishments.csv");

#[test]
fn every_number_of_the_real_directory_is_read_and_lies_in_its_region() {
    let mut reader = csv::Reader::from_reader(ESTABLISHMENTS.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let (site, entity, region) = (
        column("finess_et"),
        column("finess_ej"),
        column("region_code"),
    );
    let department = column("department");
    let mut rows = 0;
    let mut regions = BTreeSet::new();
    for record in reader.records() {
        let record = record.unwrap();
        let finess: Finess = record[site]
            .parse()
            .unwrap_or_else(|e| panic!("{}: {e}", &record[site]));
        record[entity]
            .parse::<Finess>()
            .unwrap_or_else(|e| panic!("{}: {e}", &record[entity]));
        let expected: Region = record[region].parse().unwrap();
        assert_eq!(
            Department::from_drees(&record[department])
                .unwrap()
                .region(),
            Some(expected)
        );
        assert_eq!(
            finess.department().and_then(Department::region),
            Some(expected),
            "{finess}"
        );
        regions.insert(expected);
        rows += 1;
    }
    assert_eq!((rows, regions.len()), (101, Region::ALL.len()));
}
