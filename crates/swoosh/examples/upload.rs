//! Stores files from a browser's form, and serves them.
//!
//! `cargo run --release --example upload [port] [directory]`

use std::fs::File;
use std::path::{Path, PathBuf};
use swoosh::http::{self, Request, Response};
use swoosh::{Mode, Result};

fn main() -> Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let folder = PathBuf::from(std::env::args().nth(2).unwrap_or(std::env::temp_dir().display().to_string()));

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(2)
        // The longest request, including all files.
        .ports(|port| port.package_max_length = 64 << 20)
        .handle(async move |request, response| answer(&folder, request, response).await);

    println!("uploads on 127.0.0.1:{}", server.port(0));
    println!(
        "type next, in another terminal:  curl -F file=@README.md http://127.0.0.1:{0}/   or  nc 127.0.0.1 {0}",
        server.port(0)
    );
    println!("stop it with Ctrl+C");
    server.start()
}

async fn answer(folder: &Path, request: Request, response: &mut Response) -> Result<()> {
    match request.method() {
        "POST" => {
            let Some(parts) = request.parts() else {
                response.status(400).text("this is no form with files\n");
                return Ok(());
            };
            let mut report = String::new();
            for part in parts {
                let Some(name) = part.filename else {
                    report += &format!("field {}\n", String::from_utf8_lossy(&part.name));
                    continue;
                };
                match kept_name(&String::from_utf8_lossy(&name)) {
                    None => report += "a file without a name that can be kept\n",
                    Some(kept) => {
                        // A large file is already on disk: the kernel copies it, without memory of this process.
                        let written = match File::create(folder.join(&kept)) {
                            Ok(file) => part.data.save(&file).map_err(|e| e.to_string()),
                            Err(e) => Err(e.to_string()),
                        };
                        report += &match written {
                            Ok(()) => format!("{kept}: {} bytes\n", part.data.len()),
                            Err(e) => format!("{kept}: {e}\n"),
                        };
                    }
                }
            }
            response.text(&report);
        }
        _ => match kept_name(request.path().trim_start_matches('/')) {
            Some(name) if folder.join(&name).is_file() => {
                response.send_file(&folder.join(name).display().to_string()).await?;
            }
            _ => {
                let form = "<!doctype html><form method=post enctype=multipart/form-data>\
                    <input type=file name=file multiple><button>Send</button></form>\n";
                response.html(form);
            }
        },
    }
    Ok(())
}

/// A name that stays within the directory.
fn kept_name(name: &str) -> Option<String> {
    let good = |letter: char| letter.is_alphanumeric() || "._- ".contains(letter);
    (!name.is_empty() && !name.starts_with('.') && name.chars().all(good)).then(|| name.to_owned())
}
