"""What the chart repeats: the table of values in its README, from the comments of values.yaml,
and the gRPC services that are routed from outside, from the contracts.

    python written.py           write both anew
    python written.py --check   fail when they are not what would be written

A comment that begins with `# -- ` documents the key below it.
"""

import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).with_name("vigie")
PROTO = CHART.parents[2] / "proto/vigie"
BEGIN, END = "<!-- values: made by written.py -->\n", "<!-- end of values -->\n"


def rows(source):
    """Path, default and description of each documented value."""
    values = yaml.safe_load(source)
    path, said = [], []
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("#"):
            said = [text[5:]] if text.startswith("# -- ") else said + [text[2:]] if said else []
        elif found := re.match(r"( *)([A-Za-z]\w*):", line):
            path[len(found[1]) // 2:] = [found[2]]
            if said:
                default = values
                for key in path:
                    default = default[key]
                # Lists and maps of many lines are better read where they are.
                shown = json.dumps(default, ensure_ascii=False)
                shown = f"`{shown}`" if len(shown) < 48 else "see values.yaml"
                yield ".".join(path), shown, " ".join(said)
            said = []


def readme():
    before, _, rest = (CHART / "README.md").read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "| value | default | meaning |\n|---|---|---|\n" + "".join(
        f"| `{path}` | {default} | {meaning} |\n"
        for path, default, meaning in rows((CHART / "values.yaml").read_text()))
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def contracts():
    """By service, the gRPC services that it offers; those of logs every service has."""
    found = {}
    for file in sorted(PROTO.glob("*/v1/*.proto")):
        source, package = file.read_text(), file.parents[1].name
        for name in re.findall(r"^service (\w+)", source, re.M) if package != "eventlog" else []:
            found.setdefault(package, []).append(f"vigie.{package}.v1.{name}")
    head = "# Made by `scripts/chart write` from the contracts.\n"
    return head + "".join(f"{name}: [{', '.join(its)}]\n" for name, its in found.items())


def main(check):
    stale = {CHART / "README.md": readme(), CHART / "files/contracts.yaml": contracts()}
    stale = {file: wanted for file, wanted in stale.items()
             if not file.exists() or file.read_text() != wanted}
    for file, wanted in stale.items():
        if check:
            print(f"{file.name} is stale: run `scripts/chart write` and commit what it wrote.")
        else:
            file.write_text(wanted)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["--check"]))
