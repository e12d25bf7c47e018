"""Completes the bill of materials of a program that cargo-cyclonedx wrote.

Adds what a static program takes from the system that built it, which no list of crates
names, and takes out where it was built.

    bill.py <bill> <folder of the sources> <program> <revision>
"""

import hashlib
import json
import pathlib
import subprocess
import sys

# Debian's packages whose code or data are in an image.
SYSTEM = {
    "libc6-dev": "the C library, linked into the program",
    "ca-certificates": "the certificates that the program trusts",
}


def component(package: str, description: str) -> dict:
    asked = ["dpkg-query", "--show", "--showformat", "${Version} ${Architecture}", package]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    version, architecture = told.split()
    purl = f"pkg:deb/debian/{package}@{version}?arch={architecture}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package,
        "version": version,
        "description": description,
        "scope": "required",
        "purl": purl,
    }


def main(bill: str, sources: str, program: str, revision: str) -> None:
    text = pathlib.Path(bill).read_text().replace(f"file://{sources}", "file:///vigie")
    bom = json.loads(text)
    described = bom["metadata"]["component"]
    digest = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()
    described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    described["properties"] = [{"name": "vigie:revision", "value": revision}]
    system = [component(*package) for package in SYSTEM.items()]
    bom["components"] += system
    for depends in bom["dependencies"]:
        if depends["ref"] == described["bom-ref"]:
            depends.setdefault("dependsOn", []).extend(part["bom-ref"] for part in system)
    bom["dependencies"] += [{"ref": part["bom-ref"]} for part in system]
    json.dump(bom, sys.stdout, indent=2, ensure_ascii=False)
    print()


main(*sys.argv[1:])
