//! Drops privileges: user, group and root directory of the process.
//!
//! ```no_run
//! use std::path::Path;
//!
//! swoosh_os::user::drop_privileges(Some("www-data"), None, Some(Path::new("/srv/www")))?;
//! # Ok::<(), swoosh_os::Error>(())
//! ```

use crate::error::{Error, Result};
use nix::unistd::{Group, User, chdir, chroot, getegid, geteuid, getgrouplist, setgid, setgroups, setuid};
use std::ffi::CString;
use std::io;
use std::path::Path;

/// Changes the process for good to the rights of `user`, of `group` (default: the user's primary group) and to the root
/// directory `root`. `None` leaves a part unchanged.
///
/// Names are looked up before the root directory changes, because `/etc/passwd` is unreachable afterwards. The user
/// changes last, because the other steps need the privileges of the old one. A user or group that the process already
/// has needs no privileges.
///
/// # Errors
/// If a name is unknown or the process lacks the privileges. Steps taken before the error are not undone: the process
/// should exit.
pub fn drop_privileges(user: Option<&str>, group: Option<&str>, root: Option<&Path>) -> Result<()> {
    let user = user.map(find_user).transpose()?;
    let group = group.map(find_group).transpose()?;

    let gid = group.as_ref().map(|group| group.gid).or(user.as_ref().map(|user| user.gid));
    let same_user = user.as_ref().is_none_or(|user| user.uid == geteuid());
    let gid = gid.filter(|&gid| !(same_user && gid == getegid()));
    // Read before the root directory changes: `/etc/group` is unreachable afterwards.
    let supplementary = match (gid, &user) {
        (None, _) => Vec::new(),
        (Some(gid), None) => vec![gid],
        (Some(gid), Some(user)) => {
            let name = CString::new(user.name.as_str()).map_err(|_| unknown("user", &user.name))?;
            getgrouplist(&name, gid).map_err(|e| Error::system("look up the groups of", &user.name, e))?
        }
    };

    if let Some(root) = root {
        chroot(root).map_err(|e| Error::system("change the root directory to", root.display(), e))?;
        chdir("/").map_err(|e| Error::system("change the directory to", root.display(), e))?;
    }

    if let Some(gid) = gid {
        let name = group.as_ref().map_or_else(|| gid.to_string(), |group| group.name.clone());
        let refused = |e: nix::Error| Error::system("become a member of group", &name, e);
        setgroups(&supplementary).map_err(refused)?;
        setgid(gid).map_err(refused)?;
    }
    if let Some(user) = user.filter(|_| !same_user) {
        setuid(user.uid).map_err(|e| Error::system("become user", &user.name, e))?;
    }
    Ok(())
}

/// Checks that `user` and `group` exist on this machine.
///
/// # Errors
/// The first of them that does not exist, or cannot be looked up.
pub fn check(user: Option<&str>, group: Option<&str>) -> Result<()> {
    user.map(find_user).transpose()?;
    group.map(find_group).transpose()?;
    Ok(())
}

/// The number of a user.
///
/// # Errors
/// If the name is unknown, or cannot be looked up.
pub fn id_of(user: &str) -> Result<u32> {
    find_user(user).map(|user| user.uid.as_raw())
}

fn find_user(name: &str) -> Result<User> {
    let found = User::from_name(name).map_err(|e| Error::system("look up user", name, e))?;
    found.ok_or_else(|| unknown("user", name))
}

fn find_group(name: &str) -> Result<Group> {
    let found = Group::from_name(name).map_err(|e| Error::system("look up group", name, e))?;
    found.ok_or_else(|| unknown("group", name))
}

fn unknown(kind: &'static str, name: &str) -> Error {
    let cause = io::Error::new(io::ErrorKind::NotFound, format!("there is no such {kind} on this machine"));
    Error::system(if kind == "user" { "look up user" } else { "look up group" }, name, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_named_in_the_error() {
        let error = drop_privileges(Some("no_such_user"), None, None).unwrap_err().to_string();
        assert_eq!(error, "look up user no_such_user: there is no such user on this machine");
        let error = drop_privileges(None, Some("no_such_group"), None).unwrap_err().to_string();
        assert_eq!(error, "look up group no_such_group: there is no such group on this machine");
    }

    #[test]
    fn keeping_the_present_user_needs_no_privileges() {
        let user = User::from_uid(geteuid()).unwrap().unwrap();
        drop_privileges(None, None, None).unwrap();
        if user.gid == getegid() {
            drop_privileges(Some(&user.name), None, None).unwrap();
        }
    }

    #[test]
    fn a_root_that_does_not_exist_or_is_not_permitted_is_named_in_the_error() {
        let error = drop_privileges(None, None, Some(Path::new("/no/such"))).unwrap_err().to_string();
        assert!(error.starts_with("change the root directory to /no/such: "), "{error}");
    }
}
