"""Completes the bill of materials of a program that cargo-cyclonedx wrote.

Adds what a static program takes from the system that built it, which no list of crates
names, and takes out where it was built.

    bill.py <bill> <folder of the sources> <program> <revision>
"""

import hashlib
import json
import pathlib
import platform
import re
import subprocess
import sys


def told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def component(name: str, version: str, purl: str, description: str) -> dict:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "description": description,
        "scope": "required",
        "purl": purl,
    }


def package(name: str, description: str) -> dict:
    """A package of Debian whose code or data are in the image."""
    fields = "${Version} ${Architecture} ${source:Package}"
    version, architecture, source = told("dpkg-query", "-W", "-f", fields, name).split()
    release = platform.freedesktop_os_release()
    distro = f"{release['ID']}-{release['VERSION_ID']}"
    purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}&distro={distro}&upstream={source}"
    return component(name, version, purl, description)


def system() -> list[dict]:
    """What no list of crates names."""
    compiler = told("cc", "-print-file-name=libgcc_eh.a").strip()
    compiler = str(pathlib.Path(compiler).resolve())
    rust = re.search(r"^release: (\S+)", told("rustc", "-vV"), re.MULTILINE)[1]
    return [
        package("libc6-dev", "the C library, linked into the program"),
        package(told("dpkg", "-S", compiler).split(":")[0], "the library of the C compiler"),
        package("ca-certificates", "the authorities that the program trusts"),
        component("std", rust, f"pkg:generic/rust-std@{rust}", "the standard library of Rust"),
    ]


def main(bill: str, sources: str, program: str, revision: str) -> None:
    text = pathlib.Path(bill).read_text().replace(f"file://{sources}", "file:///vigie")
    bom = json.loads(text)
    described = bom["metadata"]["component"]
    digest = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()
    described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    described["properties"] = [{"name": "vigie:revision", "value": revision}]
    parts = system()
    bom["components"] += parts
    for depends in bom["dependencies"]:
        if depends["ref"] == described["bom-ref"]:
            depends.setdefault("dependsOn", []).extend(part["bom-ref"] for part in parts)
    bom["dependencies"] += [{"ref": part["bom-ref"]} for part in parts]
    json.dump(bom, sys.stdout, indent=2, ensure_ascii=False)
    print()


main(*sys.argv[1:])
