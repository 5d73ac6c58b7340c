"""A stand-in of the Hugging Face Hub on loopback, which serves the files of one folder."""

import json
from http.server import BaseHTTPRequestHandler


class HubStandIn(BaseHTTPRequestHandler):
    """The calls with which a client reads one dataset repository, some/rivers at tag v1, or one file of a model."""

    commit = "c0ffee" * 6 + "c0ff"

    def __init__(self, *args, folder, **kwargs):
        self.folder = folder
        super().__init__(*args, **kwargs)

    def log_message(self, *args):
        """Keeps the test's output clean."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path, _, _ = self.path.partition("?")
        names = sorted(str(each.relative_to(self.folder)) for each in self.folder.rglob("*.jsonl"))
        revisions = ("v1", self.commit)
        if path.startswith("/api/datasets/") and not path.startswith("/api/datasets/some/rivers/"):
            self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif path.startswith("/api/") and not any(f"/{each}" in path for each in revisions):
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif "/tree/" in path:
            entry = {"type": "file", "size": 1, "oid": "0" * 40}
            self.reply(200, json.dumps([{**entry, "path": name} for name in names]).encode())
        elif "/revision/" in path:
            files = [{"rfilename": name} for name in names]
            about = {"id": "some/rivers", "sha": self.commit, "siblings": files}
            self.reply(200, json.dumps(about).encode())
        else:
            content = (self.folder / path.partition(f"/resolve/{self.commit}/")[2]).read_bytes()
            self.reply(200, content, {"ETag": f'"{len(content):040}"', "X-Repo-Commit": self.commit})

    def reply(self, status, content, headers=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
