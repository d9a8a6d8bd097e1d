#!/usr/bin/env python3
"""Fails if a dependency needs a newer Rust than `rust-version` in Cargo.toml promises. Our own code is checked by clippy's
`incompatible_msrv`."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

root = Path(__file__).resolve().parent.parent
promised = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]


def version(text):
    return (*map(int, text.split(".")), 0)[:3]


command = [os.environ.get("CARGO", "cargo"), "metadata", "--format-version", "1", "--locked"]
packages = json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout)["packages"]
newer = [p for p in packages if p["rust_version"] and version(p["rust_version"]) > version(promised)]
for package in newer:
    print(f"{package['name']} {package['version']} needs Rust {package['rust_version']}, Cargo.toml promises {promised}")
print(f"msrv: {len(packages)} packages, {len(newer)} of them need more than Rust {promised}")
sys.exit(1 if newer else 0)
