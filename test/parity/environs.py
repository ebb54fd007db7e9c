"""CPython's simple_server, answering every request with the strings of its environ."""

import json
import os
import subprocess
import sys
import threading
from wsgiref import handlers, simple_server

# The server's own entries; what the process environment adds is asked for apart.
simple_server.ServerHandler.os_environ = {}


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return self.client_address[0]


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    texts = {key: value for key, value in environ.items() if isinstance(value, str)}
    return [json.dumps(texts).encode()]


def serve():
    """Starts the server beside everything else, and gives its port."""
    server = simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


READ_ENVIRON = "import json; from wsgiref.handlers import read_environ; print(json.dumps(read_environ()))"


def read_environ(case):
    """What a program makes of an environment of any bytes; without a program, wsgiref's read_environ."""
    program = case.get("program") or [sys.executable, "-I", "-c", READ_ENVIRON]
    environ = {k.encode("latin-1"): v.encode("latin-1") for k, v in case["environ"].items()}
    environ[b"PATH"] = os.environb.get(b"PATH", b"")
    return json.loads(subprocess.run(program, env=environ, stdout=subprocess.PIPE, check=True).stdout)


def has_os_environ():
    """Whether a handler's environ begins with the environment of the process."""
    return "PATH" in handlers.BaseHandler.os_environ
