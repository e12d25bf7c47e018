//! The numbers and territories of a real directory: 3,995 establishments of the
//! DREES SAE 2022. Runs when `VIGIE_SAE_CSV` names the file, and says so when
//! it does not.

use vocabulary::{Department, Finess, Region};

#[test]
fn every_number_of_the_real_directory_is_read_and_lies_in_its_region() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the file is not part of the project"
    )]
    let Ok(file) = std::env::var("VIGIE_SAE_CSV") else {
        eprintln!("skipped: VIGIE_SAE_CSV is not set");
        return;
    };
    let mut reader = csv::Reader::from_path(file).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let (site, entity, region) = (
        column("finess_et"),
        column("finess_ej"),
        column("region_code"),
    );
    let department = column("department");
    let mut rows = 0;
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
            expected
        );
        assert_eq!(
            finess.department().map(Department::region),
            Some(expected),
            "{finess}"
        );
        rows += 1;
    }
    assert_eq!(rows, 3_995);
}
