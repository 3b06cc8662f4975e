use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use super::{ListenOptions, while_doing};

/// What the names of our folders begin with. 16 hexadecimal digits follow.
const FOLDER_PREFIX: &str = "plugin-";

/// How old a folder must be to be removed. Between the moments when its socket appears and when it can be connected to, a living
/// process looks like a dead one, and so it does for long to another machine with the same folder.
const MIN_AGE: Duration = Duration::from_secs(60 * 60);

/// The longest path that fits into a socket's address on every system (104 bytes on macOS, with a closing zero).
const MAX_PATH_BYTES: usize = 103;

/// A Unix socket in a private folder; both are removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    address: String,
    folder: PathBuf,
}

impl Listener {
    /// The network's name in the handshake.
    pub(crate) const NETWORK: &str = "unix";

    /// Makes folder and socket below `PLUGIN_UNIX_SOCKET_DIR` or the temporary folder, or below `/tmp` where that
    /// name is empty or would be too long for a socket.
    pub(crate) fn bind(options: &ListenOptions) -> io::Result<Self> {
        let group = options.socket_group.as_deref().map(group_id);
        let group = group.transpose()?;
        let parent = options
            .socket_dir
            .as_ref()
            .map_or_else(std::env::temp_dir, PathBuf::from);

        let name = format!("{FOLDER_PREFIX}{:016x}", random()?);
        let fits = |parent: &Path| {
            // An empty `TMPDIR` names none.
            let socket = socket_in(&parent.join(&name));
            !parent.as_os_str().is_empty()
                && socket.as_os_str().len() <= MAX_PATH_BYTES
                && socket.to_str().is_some()
        };
        let folder = if fits(&parent) {
            parent.join(name)
        } else {
            Path::new("/tmp").join(name)
        };

        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(while_doing(&format!(
                "make the folder {}",
                folder.display()
            )))?;
        Self::bind_in(&folder, group).inspect_err(|_| remove(&folder))
    }

    fn bind_in(folder: &Path, group: Option<u32>) -> io::Result<Self> {
        let path = socket_in(folder);
        let socket = UnixListener::bind(&path)
            .map_err(while_doing(&format!("listen on {}", path.display())))?;
        // go-plugin's contract for hosts that run plugins as another user: the group, and only it, gets in as well.
        let (folder_mode, socket_mode) = if let Some(group) = group {
            chown(folder, None, Some(group))
                .and_then(|()| chown(&path, None, Some(group)))
                .map_err(while_doing(&format!("give the socket to group {group}")))?;
            (0o710, 0o660)
        } else {
            (0o700, 0o600)
        };
        fs::set_permissions(&path, Permissions::from_mode(socket_mode))?;
        fs::set_permissions(folder, Permissions::from_mode(folder_mode))?;
        Ok(Self {
            socket,
            address: path.to_string_lossy().into_owned(),
            folder: folder.to_owned(),
        })
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        self.socket.accept().await.map(|(stream, _)| stream)
    }

    /// Removes what killed processes of this user have left beside our folder.
    pub(crate) fn sweep(&self) {
        if let Some(parent) = self.folder.parent()
            && let Ok(ours) = fs::metadata(&self.folder)
        {
            sweep(parent, ours.uid());
        }
    }

    /// The address in the handshake.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("socket")
}

/// Removes each folder of the form of ours that belongs to `owner` and contains a socket to which nobody listens.
fn sweep(parent: &Path, owner: u32) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(is_folder_name)
            && entry
                .metadata()
                .is_ok_and(|folder| folder.is_dir() && folder.uid() == owner && is_old(&folder));
        if is_ours && is_abandoned(&socket_in(&entry.path())) {
            remove(&entry.path());
        }
    }
}

fn is_old(folder: &Metadata) -> bool {
    let age = folder.modified().ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age >= MIN_AGE)
}

fn is_folder_name(name: &str) -> bool {
    name.strip_prefix(FOLDER_PREFIX).is_some_and(|number| {
        number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether the process that has bound a socket has ended. Asked by a socket of another type, which a living process does
/// not notice, and which never has to wait: the result is "wrong type" where there is one, and "refused" where not.
fn is_abandoned(socket: &Path) -> bool {
    let connected = UnixDatagram::unbound().and_then(|unbound| unbound.connect(socket));
    connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Best effort: what cannot be removed now is only an empty folder that nobody else can open.
fn remove(folder: &Path) {
    let _ = fs::remove_file(socket_in(folder));
    let _ = fs::remove_dir(folder);
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// A group by number or by its name in `/etc/group`. Only hosts that run plugins in containers set one, and there
/// that file is the whole directory.
fn group_id(group: &OsStr) -> io::Result<u32> {
    let named = |groups: Vec<u8>| {
        groups.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = line.split(|byte| *byte == b':');
            let name = fields.next()?;
            let id = std::str::from_utf8(fields.nth(1)?).ok()?;
            (name == group.as_bytes()).then(|| id.parse().ok())?
        })
    };
    group
        .to_str()
        .and_then(|number| number.parse().ok())
        .or_else(|| fs::read("/etc/group").ok().and_then(named))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "PLUGIN_UNIX_SOCKET_GROUP names the group {}, which does not exist",
                    group.display()
                ),
            )
        })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn bound_below(parent: &Path, group: Option<&str>) -> io::Result<Listener> {
        Listener::bind(&ListenOptions {
            socket_dir: Some(parent.into()),
            socket_group: group.map(Into::into),
            ..ListenOptions::default()
        })
    }

    #[tokio::test]
    async fn a_group_gets_in_where_the_host_asks_for_it() {
        let parent = tempfile::tempdir().unwrap();
        // Our own group: the only one to which every user may give a file.
        let group = fs::metadata(parent.path()).unwrap().gid();
        let listener = bound_below(parent.path(), Some(&group.to_string())).unwrap();
        let socket = Path::new(listener.address());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(socket.parent().unwrap()), 0o710);
        assert_eq!(mode(socket), 0o660);
    }

    #[tokio::test]
    async fn an_unknown_group_is_an_error_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let error = bound_below(parent.path(), Some("no such group")).unwrap_err();
        assert!(error.to_string().contains("no such group"));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_folder_name_too_long_for_a_socket_gives_way_to_a_short_one() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("d".repeat(100));
        fs::create_dir(&deep).unwrap();
        let listener = bound_below(&deep, None).unwrap();
        assert!(listener.address().len() <= MAX_PATH_BYTES);
    }

    #[tokio::test]
    async fn an_empty_folder_name_is_none() {
        let listener = bound_below(Path::new(""), None).unwrap();
        assert!(listener.address().starts_with("/tmp/"));
    }

    #[tokio::test]
    async fn a_sweep_removes_what_the_dead_have_left_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let below = |name: &str| parent.path().join(name);
        let bound = |name: &str| {
            fs::create_dir(below(name)).unwrap();
            std::os::unix::net::UnixListener::bind(socket_in(&below(name))).unwrap()
        };
        let living = bound_below(parent.path(), None).unwrap();
        let old = ["plugin-0123456789abcdef", "plugin-of-others"];
        for name in [old[0], old[1], "plugin-4444444444444444"] {
            // Dropped, a socket of the standard library leaves its file behind, as a killed process does.
            drop(bound(name));
        }
        let busy = bound("plugin-1111111111111111");
        fs::create_dir(below("plugin-2222222222222222")).unwrap();
        fs::write(below("plugin-3333333333333333"), "").unwrap();
        for name in [
            old[0],
            old[1],
            "plugin-1111111111111111",
            "plugin-2222222222222222",
        ] {
            let an_hour_ago = SystemTime::now() - MIN_AGE;
            let folder = fs::File::open(below(name)).unwrap();
            folder.set_modified(an_hour_ago).unwrap();
        }

        let owner = fs::metadata(parent.path()).unwrap().uid();
        sweep(parent.path(), owner + 1);
        assert!(
            below("plugin-0123456789abcdef").exists(),
            "it is another user's"
        );
        living.sweep();
        for (name, stays) in [
            ("plugin-0123456789abcdef", false),
            ("plugin-of-others", true),
            ("plugin-1111111111111111", true),
            ("plugin-2222222222222222", true),
            ("plugin-3333333333333333", true),
            ("plugin-4444444444444444", true),
        ] {
            assert_eq!(below(name).exists(), stays, "{name}");
        }
        assert!(Path::new(living.address()).exists());
        busy.set_nonblocking(true).unwrap();
        assert_eq!(
            busy.accept().unwrap_err().kind(),
            io::ErrorKind::WouldBlock,
            "a living process notices nothing"
        );
    }

    #[test]
    fn groups_are_found_by_number_and_by_name() {
        assert_eq!(group_id("4711".as_ref()).unwrap(), 4711);
        assert_eq!(group_id("daemon".as_ref()).unwrap(), 1);
    }
}
