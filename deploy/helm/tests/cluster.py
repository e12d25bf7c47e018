"""A cluster that only knows some objects, for templates that look them up."""

import contextlib
import http.server
import json
import pathlib
import tempfile
import threading

# What helm asks a cluster about before it renders: the kinds of a trial that scales.
KINDS = {
    "v1": ["ConfigMap", "Secret", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment", "StatefulSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "batch/v1": ["CronJob", "Job"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
}


def plural(kind):
    kind = kind.lower()
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def discovery():
    groups = []
    for api, kinds in KINDS.items():
        group, _, version = api.rpartition("/")
        yield f"/{'apis' if group else 'api'}/{api}", {
            "kind": "APIResourceList", "groupVersion": api, "resources": [
                {"name": plural(kind), "kind": kind, "namespaced": True, "verbs": ["get"]}
                for kind in kinds]}
        if group:
            at = {"groupVersion": api, "version": version}
            groups.append({"name": group, "versions": [at], "preferredVersion": at})
    yield "/apis", {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    yield "/api", {"kind": "APIVersions", "versions": ["v1"]}
    yield "/version", {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}


ANSWERS = dict(discovery())


@contextlib.contextmanager
def knowing(objects):
    """Serves objects; gives the path of a kubeconfig."""
    known = {f"/{plural(it['kind'])}/{it['metadata']['name']}": it for it in objects}

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.split("?")[0]
            found = ANSWERS.get(path) or known.get(f"/{'/'.join(path.split('/')[-2:])}")
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                       "reason": "NotFound", "code": 404}
            body = json.dumps(found or missing).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "config")
            config.write_text(json.dumps({
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {
                    "server": f"http://127.0.0.1:{server.server_port}"}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }))
            yield config
        server.shutdown()
