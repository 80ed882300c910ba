//! What browsers may ask for: our page, which is in the binary, and noVNC, which lies in a
//! directory and is read once. A path is looked up in a table and never reaches the file system.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use hyper::StatusCode;
use xxhash_rust::xxh3::xxh3_128;

/// Without this file nothing works, so whether it exists says whether noVNC does.
const MAIN: &str = "core/rfb.js";

/// What of noVNC is served.
const PARTS: [&str; 2] = ["core", "vendor"];

/// Its licences, for whoever follows the page's link.
const LICENCES: [&str; 4] = ["LICENSE.txt", "AUTHORS", "docs/LICENSE.MPL-2.0", "vendor/pako/LICENSE"];

/// noVNC 1.7 has 60 files of 580 kB in folders of four levels. A larger directory is another one.
const MAX_FILES: usize = 256;
const MAX_BYTES: u64 = 4 << 20;
const MAX_DEPTH: usize = 6;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    /// Content type.
    pub kind: &'static str,
    /// Entity tag, quoted.
    pub tag: String,
    pub bytes: Bytes,
}

impl Asset {
    fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let tag = format!("\"{:032x}\"", xxh3_128(&bytes));
        Self { kind, tag, bytes }
    }
}

/// Why there is no noVNC.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssetsError {
    #[error(
        "noVNC, which draws the screen in the browser, is not in {}; get it with assets/web/fetch.sh of Panto's \
         source (it needs npm), or name its directory: --web-assets DIR",
        .dir.display()
    )]
    Missing { dir: PathBuf },
    #[error("{} holds more than noVNC does; name the directory of its core and vendor: --web-assets DIR", .dir.display())]
    TooMuch { dir: PathBuf },
    #[error("cannot read noVNC in {}: {source}", .dir.display())]
    Io { dir: PathBuf, source: io::Error },
}

/// All files, by path.
pub(super) struct Assets {
    own: HashMap<&'static str, Asset>,
    dir: PathBuf,
    novnc: OnceLock<HashMap<String, Asset>>,
}

impl Assets {
    pub(super) fn new(dir: PathBuf) -> Self {
        let own = [
            ("/", HTML, include_str!("../../../../assets/web/index.html")),
            ("/panto.css", STYLE, include_str!("../../../../assets/web/panto.css")),
            ("/panto.js", SCRIPT, include_str!("../../../../assets/web/panto.js")),
        ];
        let own = own.map(|(path, kind, text)| (path, Asset::new(kind, text)));
        Self { own: own.into(), dir, novnc: OnceLock::new() }
    }

    /// noVNC's files. Found once, they are kept; until then each call looks for them.
    pub(super) fn novnc(&self) -> Result<&HashMap<String, Asset>, AssetsError> {
        if let Some(files) = self.novnc.get() {
            return Ok(files);
        }
        let files = load(&self.dir)?;
        Ok(self.novnc.get_or_init(|| files))
    }

    /// What is at a path. Instead of the page without noVNC there is one that says how to get it.
    pub(super) fn find(&self, path: &str) -> Option<(StatusCode, Asset)> {
        if let Some(rest) = path.strip_prefix("/novnc/") {
            return self.novnc.get()?.get(rest).map(|asset| (StatusCode::OK, asset.clone()));
        }
        let asset = self.own.get(path)?;
        match (path, self.novnc()) {
            ("/", Err(error)) => Some((StatusCode::SERVICE_UNAVAILABLE, missing(&error))),
            _ => Some((StatusCode::OK, asset.clone())),
        }
    }
}

fn missing(error: &AssetsError) -> Asset {
    let why = escape(&error.to_string());
    let page = include_str!("../../../../assets/web/missing.html").replace("{{why}}", &why);
    Asset::new(HTML, page)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn load(dir: &Path) -> Result<HashMap<String, Asset>, AssetsError> {
    let whole = |source| AssetsError::Io { dir: dir.to_owned(), source };
    if !dir.join(MAIN).is_file() {
        return Err(AssetsError::Missing { dir: dir.to_owned() });
    }
    let mut loading = Loading { dir, files: HashMap::new(), bytes: 0 };
    for part in PARTS {
        loading.folder(part, 1).map_err(whole)?;
    }
    for licence in LICENCES {
        if dir.join(licence).is_file() {
            loading.file(licence, TEXT).map_err(whole)?;
        }
    }
    if loading.is_full() {
        return Err(AssetsError::TooMuch { dir: dir.to_owned() });
    }
    Ok(loading.files)
}

struct Loading<'a> {
    dir: &'a Path,
    files: HashMap<String, Asset>,
    bytes: u64,
}

impl Loading<'_> {
    fn is_full(&self) -> bool {
        self.files.len() > MAX_FILES || self.bytes > MAX_BYTES
    }

    fn folder(&mut self, path: &str, depth: usize) -> io::Result<()> {
        for entry in self.dir.join(path).read_dir()? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            // Names that would need escaping in a path are not noVNC's.
            let Some(name) = name.to_str().filter(|name| is_plain(name)) else { continue };
            let path = format!("{path}/{name}");
            // Symbolic links are neither, so none leads out.
            if kind.is_dir() && depth < MAX_DEPTH {
                self.folder(&path, depth + 1)?;
            } else if kind.is_file() && name.ends_with(".js") {
                self.file(&path, SCRIPT)?;
            }
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, kind: &'static str) -> io::Result<()> {
        let mut bytes = Vec::new();
        let left = MAX_BYTES.saturating_sub(self.bytes);
        std::fs::File::open(self.dir.join(path))?.take(left + 1).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        self.files.insert(path.to_owned(), Asset::new(kind, bytes));
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn novnc() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("core/rfb.js", "export default 1;"),
            ("core/util/deep/file.js", "2"),
            ("vendor/pako/lib.js", "3"),
            ("vendor/pako/LICENSE", "MIT"),
            ("vendor/notes.txt", "no script"),
            ("core/.hidden.js", "no"),
            ("other/secret.js", "no"),
        ] {
            let path = dir.path().join("novnc").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::write(dir.path().join("outside.js"), "secret").unwrap();
        dir
    }

    #[test]
    fn scripts_and_licences_and_nothing_else() {
        let dir = novnc();
        let root = dir.path().join("novnc");
        std::os::unix::fs::symlink(dir.path().join("outside.js"), root.join("core/link.js")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("core/linked")).unwrap();
        let assets = Assets::new(root);
        let mut names: Vec<&str> = assets.novnc().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["core/rfb.js", "core/util/deep/file.js", "vendor/pako/LICENSE", "vendor/pako/lib.js"]
        );
        for (path, kind) in [("/", HTML), ("/panto.js", SCRIPT), ("/novnc/core/rfb.js", SCRIPT)] {
            let (status, asset) = assets.find(path).unwrap();
            assert_eq!((status, asset.kind), (StatusCode::OK, kind), "{path}");
        }
        for path in [
            "",
            "//",
            "/index.html",
            "/novnc/",
            "/novnc/core",
            "/novnc/core/link.js",
            "/novnc/core/linked/outside.js",
            "/novnc/../outside.js",
            "/novnc/core/../../outside.js",
            "/novnc/core/%2e%2e/%2e%2e/outside.js",
            "/novnc//core/rfb.js",
            "/novnc/./core/rfb.js",
        ] {
            assert!(assets.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn without_novnc_a_page_says_so_until_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("<novnc>");
        let assets = Assets::new(root.clone());
        let (status, asset) = assets.find("/").unwrap();
        let text = std::str::from_utf8(&asset.bytes).unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            text.contains("fetch.sh") && text.contains("&lt;novnc&gt;") && !text.contains("<novnc>"),
            "{text}"
        );
        assert!(assets.find("/novnc/core/rfb.js").is_none());
        fs::rename(novnc().path().join("novnc"), &root).unwrap();
        assert_eq!(assets.find("/").unwrap().0, StatusCode::OK);
        assert!(assets.find("/novnc/core/rfb.js").is_some());
    }

    #[test]
    fn a_directory_of_something_else_is_refused() {
        let dir = novnc();
        let root = dir.path().join("novnc");
        fs::write(root.join("vendor/large.js"), vec![b' '; MAX_BYTES as usize + 1]).unwrap();
        assert!(matches!(load(&root), Err(AssetsError::TooMuch { .. })));
        fs::remove_file(root.join("vendor/large.js")).unwrap();
        for i in 0..=MAX_FILES {
            fs::write(root.join(format!("core/{i}.js")), "").unwrap();
        }
        assert!(matches!(load(&root), Err(AssetsError::TooMuch { .. })));
    }
}
