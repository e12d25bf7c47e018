//! Builds the crate anew when a query or a migration in a file of its own changes:
//! the compiler does not always see that by itself.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=src");
}
