"""The table of values in the chart's README, from the comments of values.yaml.

    python readme.py           write it anew
    python readme.py --check   fail when it is not what would be written

A comment that begins with `# -- ` documents the key below it.
"""

import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).with_name("vigie")
BEGIN, END = "<!-- values: made by readme.py -->\n", "<!-- end of values -->\n"


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


def main(check):
    readme = CHART / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "| value | default | meaning |\n|---|---|---|\n" + "".join(
        f"| `{path}` | {default} | {meaning} |\n"
        for path, default, meaning in rows((CHART / "values.yaml").read_text()))
    wanted = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if wanted == text:
        return 0
    if check:
        print("The chart's README is stale: run `scripts/chart readme` and commit what it wrote.")
        return 1
    readme.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["--check"]))
