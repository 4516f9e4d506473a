//! The real and the simulated disk keep the same promises.

use std::io::ErrorKind;
use std::path::Path;

use rutile_kv_env::{Disk, Env, Simulation};

/// Runs one test body on both disks.
fn on_both(body: fn(&dyn Disk, &Path)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    body(&*Env::real().disk, directory.path());
    let simulation = Simulation::new(1);
    let root = Path::new("/data");
    simulation.disk().create_dir_all(root).expect("memory");
    body(simulation.disk(), root);
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    on_both(|disk, root| {
        let path = root.join("state");
        assert_eq!(disk.read(&path).expect_err("missing").kind(), ErrorKind::NotFound);
        disk.write_atomic(&path, b"one").expect("first");
        disk.write_atomic(&path, b"second").expect("second");
        assert_eq!(disk.read(&path).expect("read"), b"second");
        assert_eq!(disk.file_size(&path).expect("size"), 6);
        assert_eq!(disk.read_dir(root).expect("no temporary file is left"), std::slice::from_ref(&path));
        disk.remove_file(&path).expect("remove");
        assert!(!disk.exists(&path));
    });
}

#[test]
fn appends_add_up_over_reopening() {
    on_both(|disk, root| {
        let path = root.join("log");
        let mut file = disk.open_append(&path).expect("create");
        file.append(b"ab").expect("append");
        file.sync().expect("sync");
        drop(file);
        let mut file = disk.open_append(&path).expect("reopen");
        assert_eq!(file.len(), 2);
        file.append(b"c").expect("append");
        assert_eq!(disk.read(&path).expect("read"), b"abc");
    });
}

#[test]
fn a_lock_is_exclusive_until_dropped() {
    on_both(|disk, root| {
        let path = root.join("LOCK");
        let held = disk.lock_file(&path).expect("first");
        assert_eq!(disk.lock_file(&path).err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        drop(held);
        disk.lock_file(&path).map(drop).expect("free again");
    });
}

#[test]
fn errors_name_the_path() {
    on_both(|disk, root| {
        let path = root.join("nowhere").join("file");
        let error = disk.read(&path).expect_err("missing");
        assert!(error.to_string().contains("nowhere"), "{error}");
    });
}

#[test]
fn directories_are_listed_and_removed() {
    on_both(|disk, root| {
        let directory = root.join("a").join("b");
        disk.create_dir_all(&directory).expect("create");
        disk.write_atomic(&directory.join("f"), b"x").expect("write");
        assert_eq!(disk.read_dir(&root.join("a")).expect("list"), std::slice::from_ref(&directory));
        disk.remove_dir_all(&root.join("a")).expect("remove");
        assert!(!disk.exists(&directory));
        assert!(disk.available_space(root).expect("space") > 0);
    });
}

#[test]
fn a_crash_keeps_exactly_what_was_synced() {
    let simulation = Simulation::new(1);
    let disk = simulation.disk();
    let (synced, unsynced) = (Path::new("/synced"), Path::new("/unsynced"));
    let mut file = disk.open_append(synced).expect("open");
    file.append(b"kept").expect("append");
    file.sync().expect("sync");
    file.append(b"lost").expect("append");
    disk.open_append(unsynced).expect("open").append(b"all lost").expect("append");
    disk.crash(1);
    assert_eq!(disk.read(synced).expect("read"), b"keptl");
    assert!(!disk.exists(unsynced));
}

#[test]
fn faults_are_injected() {
    let simulation = Simulation::new(1);
    let disk = simulation.disk();
    disk.fail_syncs(1);
    assert!(disk.write_atomic(Path::new("/f"), b"x").is_err());
    disk.write_atomic(Path::new("/f"), b"x").expect("the fault is over");
    disk.set_capacity(2);
    let error = disk.write_atomic(Path::new("/g"), b"xyz").expect_err("full");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(disk.flip_bit(Path::new("/f"), 0));
    assert_eq!(disk.read(Path::new("/f")).expect("read"), b"y");
}
