//! The first ten seconds with the product.

use crate::harness::program;

#[test]
fn the_demo_shows_every_promise_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().args(["demo", "--once"]).env("TMPDIR", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    let rows: Vec<String> = said
        .lines()
        .filter(|line| line.contains("  order-"))
        .map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "order-1001 stripe CREATED → PAID 42.00 EUR captured of 42.00 EUR",
        "order-1002 adyen AUTHORIZED → PARTIALLY_REFUNDED 49.95 EUR refunded of 99.90 EUR",
        "order-1003 shop CREATED → PAID 1500 JPY captured of 1500 JPY",
        "order-1004 stripe CREATED → PARTIALLY_CAPTURED 625.00 USD captured of 1250.00 USD ⚠ AMOUNT_MISMATCH",
        "order-1005 shop PAID 18.50 EUR captured of 18.50 EUR",
    ] {
        assert_eq!(rows.iter().filter(|row| *row == expected).count(), 1, "{expected}\n{said}");
    }
    assert_eq!(said.matches("→ 401").count(), 1, "the forged one is refused:\n{said}");
    assert!(!said.contains('\u{1b}'), "no colour where nobody looks");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "the temporary folder is gone");
}
