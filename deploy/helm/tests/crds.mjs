// Checks custom resources against their types, strictly.
//
//   node crds.mjs PACKAGES < objects.json    objects: a JSON list; PACKAGES: a node_modules
//
// The types' validators let unknown fields pass. They ask for every field that they know, so
// a field that nobody asked for is one that they do not know.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const packages = `${process.argv[2]}/@kubernetes-models`;
const homes = {
  "cert-manager.io": "cert-manager",
  "gateway.networking.k8s.io": "gateway-api",
  "monitoring.coreos.com": "prometheus-operator",
  "keda.sh": "keda",
  "postgresql.cnpg.io": "cloudnative-pg",
};
// Read by Kubernetes itself, and the same for all kinds.
const common = ["apiVersion", "kind", "metadata"];

/** What is shown to a validator, with a note of every field that it asked for. */
function watched(value, asked) {
  if (value === null || typeof value !== "object") return value;
  const children = new Map();
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === "symbol" || !Object.hasOwn(target, key)) return Reflect.get(target, key);
      if (!children.has(key)) {
        asked[key] ??= {};
        children.set(key, watched(target[key], asked[key]));
      }
      return children.get(key);
    },
  });
}

function* unasked(value, asked, path) {
  if (value === null || typeof value !== "object") return;
  for (const key of Object.keys(value)) {
    if (path === "" && common.includes(key)) continue;
    if (key in asked) yield* unasked(value[key], asked[key], `${path}/${key}`);
    else yield `${path}/${key} is unknown`;
  }
}

async function faults(object) {
  const [group, version] = object.apiVersion.split("/");
  const file = `${packages}/${homes[group]}/${group}/${version}/${object.kind}.js`;
  if (!(group in homes) || !existsSync(file)) return ["its kind is unknown"];
  const model = (await import(pathToFileURL(file)))[object.kind];
  const asked = {};
  try {
    model.prototype.validate.call(watched(object, asked));
  } catch (error) {
    return [error.message];
  }
  return [...unasked(object, asked, "")];
}

let failed = false;
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  for (const fault of await faults(object)) {
    failed = true;
    console.log(`${object.kind} ${object.metadata.name}: ${fault}`);
  }
}
process.exit(failed ? 1 : 0);
