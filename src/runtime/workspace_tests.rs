//! The stories of finding and making places.

use super::*;
use crate::config::WorkspaceConfig;
use std::collections::BTreeMap;

fn local(_: &Path) -> Option<String> {
    None
}

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("pipelines/deep")).unwrap();
    fs::write(folder.path().join("pipelines/a.toml"), "[tasks.a]\nrun = \"true\"\n").unwrap();
    folder
}

fn found(start: &Path) -> Result<Place, RuntimeError> {
    find_with(start, None, None, &local, None)
}

fn place(workspace: &Path, state: &Path) -> Place {
    let config = WorkspaceConfig { env: BTreeMap::new(), pass_env: Vec::new(), ..WorkspaceConfig::default() };
    Place { workspace: workspace.to_owned(), state_dir: state.to_owned(), config, broken: None, notices: Vec::new() }
}

#[test]
fn a_workspace_is_found_upward_and_its_state_is_beside_its_pipelines() {
    let folder = workspace();
    let root = fs::canonicalize(folder.path()).unwrap();
    let place = found(&folder.path().join("pipelines/deep")).unwrap();
    assert_eq!((&place.workspace, &place.state_dir), (&root, &root.join(".flowyard")));
    assert!(!place.state_dir.exists(), "finding writes nothing");
}

#[test]
fn a_broken_pipeline_file_still_marks_its_workspace_and_a_foreign_toml_does_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pipelines")).unwrap();
    fs::write(folder.path().join("pipelines/other.toml"), "[tool.black]\nline = 1\n").unwrap();
    let error = found(folder.path()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("no workspace in") && error.to_string().contains("hint:"), "{error}");
    fs::write(folder.path().join("pipelines/broken.toml"), "[tasks.a\nrun = ").unwrap();
    assert_eq!(found(folder.path()).unwrap().workspace, fs::canonicalize(folder.path()).unwrap());
}

#[test]
fn a_named_workspace_must_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let named = |dir: &Path| find_with(Path::new("/"), Some(dir), None, &local, None);
    assert!(named(folder.path()).unwrap_err().to_string().contains("is not a workspace"));
    assert!(named(&folder.path().join("nowhere")).unwrap_err().to_string().contains("there is no workspace at"));
    fs::write(folder.path().join("flowyard.toml"), "").unwrap();
    assert_eq!(named(folder.path()).unwrap().workspace, fs::canonicalize(folder.path()).unwrap());
    assert!(named(&folder.path().join("flowyard.toml")).unwrap_err().to_string().contains("is a file"));
}

#[test]
fn the_state_folder_is_where_it_is_told_to_be() {
    let folder = workspace();
    let root = fs::canonicalize(folder.path()).unwrap();
    let told = find_with(&root, None, Some(Path::new("sub/../state")), &local, None).unwrap();
    assert_eq!(told.state_dir, root.join("state"));
}

#[test]
fn on_a_network_file_system_the_state_moves_to_a_local_folder_and_says_so() {
    let folder = workspace();
    let remote = |_: &Path| Some("NFS".to_owned());
    let home = PathBuf::from("/home/someone/.local/state");
    let place = find_with(folder.path(), None, None, &remote, Some(home.clone())).unwrap();
    assert!(place.state_dir.starts_with(home.join("flowyard")), "{:?}", place.state_dir);
    assert!(place.notices[0].contains("network file system (NFS)"), "{:?}", place.notices);
    let again = find_with(folder.path(), None, None, &remote, Some(home)).unwrap();
    assert_eq!(place.state_dir, again.state_dir);
    assert_eq!(find_with(folder.path(), None, None, &remote, None).unwrap_err().exit_code(), 2);
}

#[test]
fn the_state_folder_is_private_and_kept_out_of_git() {
    let folder = workspace();
    let place = place(folder.path(), &folder.path().join(".flowyard"));
    prepare(&place).unwrap();
    prepare(&place).unwrap();
    assert_eq!(fs::metadata(&place.state_dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(place.state_dir.join(".gitignore")).unwrap(), "*\n");
    fs::set_permissions(&place.state_dir, fs::Permissions::from_mode(0o755)).unwrap();
    prepare(&place).unwrap();
    assert_eq!(fs::metadata(&place.state_dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_file_in_the_way_and_a_folder_of_somebody_else_s_things_are_refused() {
    let folder = workspace();
    let state = folder.path().join("state");
    fs::write(&state, "").unwrap();
    let error = find(folder.path(), None, Some(&state)).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("is a file"), "{error}");
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    fs::write(state.join("photo.jpg"), "").unwrap();
    let error = prepare(&place(folder.path(), &state)).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("is not empty"), "{error}");
    let below = state.join("photo.jpg/state");
    assert_eq!(prepare(&place(folder.path(), &below)).unwrap_err().exit_code(), 74);
}

#[test]
fn another_user_s_workspace_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = workspace();
    nix::unistd::chown(folder.path(), Some(nix::unistd::Uid::from_raw(65_534)), None).unwrap();
    let error = found(folder.path()).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("belongs to another user (uid 65534"), "{error}");
}

#[test]
fn a_folder_whose_name_is_no_text_is_refused_before_anything_starts() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
    fs::create_dir_all(odd.join("pipelines")).unwrap();
    fs::write(odd.join("flowyard.toml"), "").unwrap();
    let error = found(&odd).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("is not UTF-8; rename it"), "{error}");
    let error = find_with(workspace().path(), None, Some(&odd), &local, None).unwrap_err();
    assert!(error.to_string().contains("is not UTF-8; choose another one"), "{error}");
}
