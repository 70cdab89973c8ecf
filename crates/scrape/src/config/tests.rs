use std::path::Path;

use super::*;

/// Source, targets and number of labels of each group, or the problem.
fn read(name: &str, text: &str) -> Result<Vec<(String, Vec<String>, usize)>, String> {
    read_target_file(Path::new(name), text.as_bytes())
        .map(|groups| groups.into_iter().map(|g| (g.source, g.targets, g.labels.len())).collect())
        .map_err(|e| e.to_string())
}

#[test]
fn target_files_are_read() {
    let check = |name: &str, text: &str, want: &[(&str, &[&str], usize)]| {
        let want: Vec<_> = want
            .iter()
            .map(|(source, targets, n)| {
                ((*source).to_owned(), targets.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>(), *n)
            })
            .collect();
        assert_eq!(read(name, text), Ok(want), "{text:?}");
    };
    check("t.yml", "", &[]);
    check(
        "t.YAML",
        "- targets: [a:1, b:2]\n  labels: {x: 1}\n- {}\n",
        &[("t.YAML:0", &["a:1", "b:2"], 1), ("t.YAML:1", &[], 0)],
    );
    check("t.json", "[\n\t{\"targets\": [\"a:1\"], \"labels\": null}\n]", &[("t.json:0", &["a:1"], 0)]);
    check("t.json", "null", &[]);
}

#[test]
fn bad_target_files_are_refused() {
    let check = |name: &str, text: &str, want: &str| {
        assert_eq!(read(name, text), Err(format!("{name}:{want}")), "{text:?}");
    };
    check(
        "t.yml",
        "- targats: [a]",
        "1:3: yaml: unmarshal errors: field targats not found in type targetgroup.Group; did you mean \"targets\"?",
    );
    check("t.yml", "- ~", "1:3: nil target group item found");
    check(
        "t.yml",
        "targets: [a]",
        "1:1: yaml: unmarshal errors: cannot unmarshal !!map into []targetgroup.Group",
    );
    check("t.yml", "- labels: {!!binary \"/w==\": x}", "1:12: \"\\xff\" is not a valid label name");
    check(
        "t.yml",
        "- labels: [a]",
        "1:11: yaml: unmarshal errors: cannot unmarshal !!seq into model.LabelSet",
    );
    check("t.yml", "- labels: {a: 1, a: 2}", "1:18: yaml: unmarshal errors: key \"a\" already set in map");
    check(
        "t.json",
        "[{\"targets\": [1]}]",
        "1:15: yaml: unmarshal errors: cannot unmarshal !!int `1` into string",
    );
    check(
        "t.json",
        "[{\"targets\": [\"a\"]},]",
        "1:21: json: invalid character ']' looking for beginning of value",
    );
    check("t.txt", "", " target file must end in .json, .yml or .yaml");
}
