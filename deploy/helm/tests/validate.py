"""Checks every rendering against the schemas of Kubernetes and of the custom resources.

    python validate.py OUT     OUT: a folder that gets the renderings, for scanners

Strictly: an unknown field is a fault. Kubernetes is checked in each version that the chart
says it runs on and whose schemas are at hand.
"""

import functools
import json
import pathlib
import subprocess
import sys

import jsonschema
import kubernetes_validate
import referencing
import yaml

import chart

SCHEMAS = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
CRDS = ["cert-manager.io", "cnpg.io", "coreos.com", "gateway.networking.k8s.io", "keda.sh"]


def versions():
    """The versions of Kubernetes from the chart's oldest on."""
    oldest = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["kubeVersion"]
    minor = int(oldest.removeprefix(">=1.").split(".")[0])
    known = [int(it.split(".")[1]) for it in kubernetes_validate.utils.all_versions()]
    return [f"1.{it}" for it in sorted(set(known)) if it >= minor]


@functools.cache
def definitions(folder):
    contents = json.loads((folder / "_definitions.json").read_text())
    return referencing.Resource.from_contents(contents)


@functools.cache
def validator(version, kind, api_version):
    """Of the strict schema of a kind; none where the version does not know it."""
    folder = SCHEMAS / f"v{version}.0-local-strict"
    group, _, rest = api_version.rpartition("/")
    parts = filter(None, [kind.lower(), group.split(".")[0], rest])
    file = folder / f"{'-'.join(parts)}.json"
    if not file.exists():
        return None
    schema = json.loads(file.read_text())
    registry = definitions(folder) @ referencing.Registry()
    return jsonschema.Draft202012Validator(schema, registry=registry)


def faults_of(it):
    for version in versions():
        checks = validator(version, it["kind"], it["apiVersion"])
        if checks is None:
            yield f"Kubernetes {version} does not know {it['apiVersion']} {it['kind']}"
            continue
        for error in checks.iter_errors(it):
            path = "/".join(map(str, error.absolute_path))
            yield f"Kubernetes {version}: {path}: {error.message}"


def is_custom(it):
    group = it["apiVersion"].rpartition("/")[0]
    return any(group == crd or group.endswith(f".{crd}") for crd in CRDS)


def main(out):
    # Most objects are the same in several renderings: each form is checked once.
    forms = {}
    for file in chart.CASES:
        for upgrade in [False, True]:
            name = f"{file.stem}-{'upgrade' if upgrade else 'install'}"
            rendered = chart.text(file, upgrade=upgrade)
            (out / f"{name}.yaml").write_text(rendered)
            for it in yaml.load_all(rendered, chart.LOADER):
                if it:
                    forms.setdefault(json.dumps(it, sort_keys=True), name)
    faults = 0
    custom = []
    for form, name in forms.items():
        it = json.loads(form)
        if is_custom(it):
            custom.append(it)
            continue
        for fault in faults_of(it):
            faults += 1
            print(f"{name}: {it['kind']} {it['metadata']['name']}: {fault}")
    packages = chart.ROOT / "target/tools/node_modules"
    crds = pathlib.Path(__file__).with_name("crds.mjs")
    done = subprocess.run(
        ["node", crds, packages], input=json.dumps(custom), text=True, check=False)
    print(f"{len(forms)} objects, {len(custom)} of them custom resources, checked strictly; "
          f"Kubernetes {versions()[0]} to {versions()[-1]}")
    return 1 if faults or done.returncode else 0


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sys.exit(main(folder))
