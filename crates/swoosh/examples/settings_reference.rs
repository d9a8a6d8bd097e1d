//! Prints the reference of all settings, `docs/SETTINGS.md`:
//! `cargo run -p swoosh --example settings_reference > docs/SETTINGS.md`.

fn main() {
    print!("{}", swoosh::config::reference());
}
